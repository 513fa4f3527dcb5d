#include "server/queue/crc32c.h"

#include <catch2/catch.hpp>
#include <string>

using namespace penstock;

TEST_CASE("crc32c: the examples of RFC 3720 appendix B.4, and the usual check value", "[queue]") {
  CHECK(crc32c(0, std::string(32, '\0')) == 0x8a9136aa);
  CHECK(crc32c(0, std::string(32, '\xff')) == 0x62a8ab43);
  std::string rising;
  for (int i = 0; i < 32; ++i) rising += static_cast<char>(i);
  CHECK(crc32c(0, rising) == 0x46dd794e);
  CHECK(crc32c(0, std::string(rising.rbegin(), rising.rend())) == 0x113fdb5c);
  CHECK(crc32c(0, "123456789") == 0xe3069283);
  CHECK(crc32c(0, "") == 0);
}

TEST_CASE("crc32c: table and instruction agree, and pieces give what the whole gives", "[queue]") {
  std::string bytes;
  for (unsigned i = 0; i < 100; ++i) {
    CHECK(crc32c(0, bytes) == crc32c_by_table(0, bytes));
    for (std::size_t cut = 0; cut <= bytes.size(); cut += 7)
      CHECK(crc32c(crc32c(0, bytes.substr(0, cut)), bytes.substr(cut)) == crc32c(0, bytes));
    bytes += static_cast<char>(i * 37 + 11);
  }
}
