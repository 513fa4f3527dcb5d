#include "server/net/first_bytes.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>

using penstock::first_bytes_hint;
using namespace std::string_literals;

TEST_CASE("first bytes of other protocols are named, those of lines are not",
          "[net][first_bytes]") {
  const auto [first, hint] = GENERATE(table<std::string, std::string>({
      {"GET / HTTP/1.1\r\n", "an HTTP request"},
      {"PRI * HTTP/2.0\r\n", "an HTTP request"},
      {"\x16\x03\x01\x02\x00\x01"s, "a TLS hello"},
      {"PROXY TCP4 1.2.3.", "a PROXY header"},
      {"\r\n\r\n\0\r\nQUIT\n\x21"s, "a PROXY header"},
      {"12 <13>hello", "octet-counted frames"},
      {"", ""},
      {"1", ""},
      {"12 hello", ""},
      {"012 <13>hello", ""},
      {"2024-01-01 <13>", ""},
      {"123456789 <13>", ""},
      {"<13>hello", ""},
      {"GETTING started", ""},
  }));
  CAPTURE(first);
  CHECK(std::string(first_bytes_hint(first, true)) == hint);
}

TEST_CASE("octet counts are right where they are expected", "[net][first_bytes]") {
  CHECK(first_bytes_hint("12 <13>hello", false).empty());
}
