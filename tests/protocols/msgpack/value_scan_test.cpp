#include "protocols/msgpack/value_scan.h"

#include <catch2/catch.hpp>
#include <string>

using namespace penstock::msgpack;
using namespace std::string_literals;
using Status = ValueScan::Status;

namespace {

constexpr ScanLimits kLimits{.max_bytes = 1000, .max_depth = 4};

Status scan(std::string_view bytes, ScanLimits limits = kLimits) {
  return ValueScan(limits).run(bytes);
}

}  // namespace

TEST_CASE("value scan: where a value ends, however it is cut", "[msgpack]") {
  // [1, "ab", {"k": [nil, true]}, d7 00 8 bytes, {}]
  const std::string value =
      "\x95\x01\xa2"
      "ab\x81\xa1k\x92\xc0\xc3\xd7\x00"
      "12345678\x80"s;
  ValueScan whole(kLimits);
  REQUIRE(whole.run(value + "\x93rest") == Status::kWhole);
  CHECK(whole.size() == value.size());
  CHECK(whole.child(0) == 1);
  CHECK(whole.child(1) == 2);
  CHECK(whole.child(2) == 5);
  CHECK(whole.child(3) == 11);
  CHECK(whole.child(4) == 21);
  ValueScan pieces(kLimits);
  for (std::size_t size = 0; size < value.size(); ++size) {
    CAPTURE(size);
    REQUIRE(pieces.run(std::string_view(value).substr(0, size)) == Status::kNeedMore);
  }
  REQUIRE(pieces.run(value) == Status::kWhole);
  CHECK(pieces.size() == value.size());
  pieces.restart();
  REQUIRE(pieces.run("\xc0") == Status::kWhole);
  CHECK(pieces.size() == 1);
}

TEST_CASE("value scan: sizes that cannot be end at once, without their bytes", "[msgpack]") {
  const auto head =
      GENERATE(as<std::string>{}, "\xdd\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
               "\xdb\xff\xff\xff\xff", "\xc6\xff\xff\xff\xff", "\xc9\xff\xff\xff\xff\x01",
               "\xdc\x03\xe8", "\xda\x03\xe8", "\xde\x01\xf4");
  CHECK(scan(head) == Status::kTooLong);
  CHECK(scan("\x91" + head) == Status::kTooLong);
  CHECK(scan("\x81\xa1k" + head) == Status::kTooLong);
}

TEST_CASE("value scan: exactly the maximum passes", "[msgpack]") {
  CHECK(scan("\xda\x03\xe5" + std::string(997, 'x')) == Status::kWhole);
  CHECK(scan("\xda\x03\xe6") == Status::kTooLong);
  CHECK(scan("\xdc\x03\xe5" + std::string(997, '\x01')) == Status::kWhole);
}

TEST_CASE("value scan: nesting ends at the limit", "[msgpack]") {
  CHECK(scan("\x91\x91\x91\x91\x01") == Status::kWhole);
  CHECK(scan("\x91\x91\x91\x91\x90") == Status::kWhole);  // an empty one holds nothing
  CHECK(scan("\x91\x91\x91\x91\x91\x01") == Status::kIllegal);
  CHECK(scan(std::string(100'000, '\x91'), {.max_bytes = 1 << 20, .max_depth = 4}) ==
        Status::kIllegal);
  CHECK(scan(std::string(100'000, '\x91'),
             {.max_bytes = 1 << 20, .max_depth = ValueScan::kMostDepth}) == Status::kIllegal);
}

TEST_CASE("value scan: keys of maps", "[msgpack]") {
  CHECK(scan("\x81\xa1k\xc0") == Status::kWhole);
  CHECK(scan("\x81\xc4\x01k\xc0") == Status::kWhole);
  CHECK(scan("\x82\x07\xc0\xff\xc0") == Status::kWhole);
  CHECK(scan("\x82\xc0\x01\xc3\x01") == Status::kWhole);
  CHECK(scan("\x81\xca\x3f\x80\x00\x00\x01"s) == Status::kWhole);
  const auto key = GENERATE(as<std::string>{}, "\x90", "\x80", "\x91\x01", "\xd4\x01\x01");
  CHECK(scan("\x81" + key + "\xc0") == Status::kIllegal);
  CHECK(scan("\x82\xa1k\x01" + key + "\xc0") == Status::kIllegal);
}

TEST_CASE("value scan: c1 is illegal wherever a value begins, and a byte like others inside a text",
          "[msgpack]") {
  CHECK(scan("\xc1") == Status::kIllegal);
  CHECK(scan("\x92\x01\xc1") == Status::kIllegal);
  CHECK(scan("\xa1\xc1") == Status::kWhole);
}
