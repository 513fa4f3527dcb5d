#include "server/pipeline/base64.h"

#include <catch2/catch.hpp>

#include <string>

using namespace penstock;

TEST_CASE("base64: the test vectors of RFC 4648 section 10, both ways", "[base64]") {
  const auto [plain, encoded] = GENERATE(table<std::string, std::string>({{"", ""},
                                                                          {"f", "Zg=="},
                                                                          {"fo", "Zm8="},
                                                                          {"foo", "Zm9v"},
                                                                          {"foob", "Zm9vYg=="},
                                                                          {"fooba", "Zm9vYmE="},
                                                                          {"foobar", "Zm9vYmFy"}}));
  CAPTURE(plain);
  CHECK(base64_encode(plain) == encoded);
  CHECK(base64_size(plain.size()) == encoded.size());
  CHECK(base64_decode(encoded).value() == plain);
}

TEST_CASE("base64: every byte value survives at every position of a group", "[base64]") {
  for (std::size_t shift = 0; shift < 3; ++shift) {
    std::string bytes(shift, 'x');
    for (int value = 0; value < 256; ++value) bytes.push_back(static_cast<char>(value));
    CHECK(base64_decode(base64_encode(bytes)).value() == bytes);
  }
}

TEST_CASE("base64: what the encoder never gives is refused, and the message says where",
          "[base64]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"Zg", "base64: length 2 is no multiple of 4"},
      {"Zg=", "base64: length 3 is no multiple of 4"},
      {"Zm9vY", "base64: length 5 is no multiple of 4"},
      {"====", "base64: misplaced padding at offset 0"},
      {"Z===", "base64: misplaced padding at offset 1"},
      {"Zg==Zg==", "base64: misplaced padding at offset 2"},
      {"Z=g=", "base64: misplaced padding at offset 1"},
      {"Zm9=Zm9v", "base64: misplaced padding at offset 3"},
      {"Zh==", "base64: bits set behind the last byte at offset 1"},
      {"Zm9=", "base64: bits set behind the last byte at offset 2"},
      {"Zm 9", "base64: invalid character at offset 2"},
      {"Zm9\n", "base64: invalid character at offset 3"},
      {"Zm-_", "base64: invalid character at offset 2"},
      {std::string("Zm\0v", 4), "base64: invalid character at offset 2"},
      {"Zm\xff=", "base64: invalid character at offset 2"},
  }));
  CAPTURE(text);
  const Result<std::string> decoded = base64_decode(text);
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().message == message);
}
