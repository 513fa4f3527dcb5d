#include "protocols/msgpack/token.h"

#include <catch2/catch.hpp>
#include <string>

using namespace penstock::msgpack;
using namespace std::string_literals;

namespace {

Token token_of(const std::string& bytes) {
  CAPTURE(bytes);
  Token token;
  REQUIRE(read_token(bytes, token) == TokenStatus::kToken);
  REQUIRE(token.head_bytes == bytes.size());
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    Token unused;
    REQUIRE(read_token(bytes.substr(0, cut), unused) == TokenStatus::kNeedMore);
  }
  return token;
}

}  // namespace

TEST_CASE("msgpack: every kind of number", "[msgpack]") {
  const auto [bytes, value] = GENERATE(table<std::string, std::uint64_t>({
      {"\x00"s, 0},
      {"\x7f", 127},
      {"\xcc\xff", 255},
      {"\xcd\xff\xfe", 0xfffe},
      {"\xce\xff\xff\xff\xfe", 0xfffffffe},
      {"\xcf\xff\xff\xff\xff\xff\xff\xff\xfe", 0xfffffffffffffffe},
      {"\xd0\x7f", 127},
      {"\xd1\x7f\xff", 0x7fff},
      {"\xd2\x7f\xff\xff\xff", 0x7fffffff},
      {"\xd3\x7f\xff\xff\xff\xff\xff\xff\xff", 0x7fffffffffffffff},
  }));
  const Token token = token_of(bytes);
  CHECK(token.kind == Kind::kUnsigned);
  CHECK(token.number == value);
}

TEST_CASE("msgpack: numbers below zero, floats, nil, truth", "[msgpack]") {
  CHECK(token_of("\xff").integer == -1);
  CHECK(token_of("\xe0").integer == -32);
  CHECK(token_of("\xd0\x80").integer == -128);
  CHECK(token_of("\xd1\x80\x00"s).integer == -32768);
  CHECK(token_of("\xd2\x80\x00\x00\x00"s).integer == INT32_MIN);
  CHECK(token_of("\xd3\x80\x00\x00\x00\x00\x00\x00\x00"s).integer == INT64_MIN);
  CHECK(token_of("\xff").kind == Kind::kSigned);
  CHECK(token_of("\xca\x3f\x80\x00\x00"s).real == 1.0);
  CHECK(token_of("\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00"s).real == 1.5);
  CHECK(token_of("\xc0").kind == Kind::kNil);
  CHECK_FALSE(token_of("\xc2").boolean);
  CHECK(token_of("\xc3").boolean);
}

TEST_CASE("msgpack: texts, bytes, arrays, maps, extensions and their sizes", "[msgpack]") {
  struct Row {
    std::string bytes;
    Kind kind;
    std::uint32_t size;
  };
  const auto row = GENERATE(values<Row>({
      {"\xa0", Kind::kString, 0},
      {"\xbf", Kind::kString, 31},
      {"\xd9\xff", Kind::kString, 255},
      {"\xda\x01\x00"s, Kind::kString, 256},
      {"\xdb\xff\xff\xff\xff", Kind::kString, 0xffffffff},
      {"\xc4\xff", Kind::kBytes, 255},
      {"\xc5\x01\x00"s, Kind::kBytes, 256},
      {"\xc6\xff\xff\xff\xff", Kind::kBytes, 0xffffffff},
      {"\x90", Kind::kArray, 0},
      {"\x9f", Kind::kArray, 15},
      {"\xdc\x00\x10"s, Kind::kArray, 16},
      {"\xdd\xff\xff\xff\xff", Kind::kArray, 0xffffffff},
      {"\x80", Kind::kMap, 0},
      {"\x8f", Kind::kMap, 15},
      {"\xde\x00\x10"s, Kind::kMap, 16},
      {"\xdf\xff\xff\xff\xff", Kind::kMap, 0xffffffff},
      {"\xd4\x05", Kind::kExt, 1},
      {"\xd5\x05", Kind::kExt, 2},
      {"\xd6\x05", Kind::kExt, 4},
      {"\xd7\x05", Kind::kExt, 8},
      {"\xd8\x05", Kind::kExt, 16},
      {"\xc7\x08\x05", Kind::kExt, 8},
      {"\xc8\x01\x00\x05"s, Kind::kExt, 256},
      {"\xc9\xff\xff\xff\xff\x05", Kind::kExt, 0xffffffff},
  }));
  const Token token = token_of(row.bytes);
  CHECK(token.kind == row.kind);
  CHECK(token.size == row.size);
  if (row.kind == Kind::kExt) CHECK(token.ext_type == 5);
}

TEST_CASE("msgpack: c1 begins no value", "[msgpack]") {
  Token token;
  CHECK(read_token("\xc1", token) == TokenStatus::kIllegal);
}
