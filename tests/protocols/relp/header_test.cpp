#include "protocols/relp/header.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>

using penstock::relp::Header;
using penstock::relp::parse_header;
using Status = Header::Status;

TEST_CASE("header: number, command, length", "[relp]") {
  const auto [text, txnr, command, data, bytes] =
      GENERATE(table<std::string, std::uint32_t, std::string, std::size_t, std::size_t>({
          {"1 open 85 relp", 1, "open", 85, 10},
          {"999999999 syslog 999999999 x", 999'999'999, "syslog", 999'999'999, 27},
          {"3 close 0\n", 3, "close", 0, 9},    // LF right behind the length
          {"3 close 0 \n", 3, "close", 0, 10},  // and with a blank, which librelp takes too
          {"007 syslog 03 abc\n", 7, "syslog", 3, 14},
      }));
  CAPTURE(text);
  const Header header = parse_header(text);
  REQUIRE(header.status == Status::kWhole);
  CHECK(header.txnr == txnr);
  CHECK(header.command == command);
  CHECK(header.data_bytes == data);
  CHECK(header.header_bytes == bytes);
  for (std::size_t cut = 0; cut < bytes; ++cut) {
    CAPTURE(cut);
    const bool may_be_whole = cut == bytes - 1 && data == 0 && text[cut] == '\n';
    CHECK((parse_header(text.substr(0, cut)).status == Status::kNeedMore || may_be_whole));
  }
}

TEST_CASE("header: what it is not, and at which byte", "[relp]") {
  const auto [text, why, at] = GENERATE(table<std::string, std::string, std::size_t>({
      {"0 syslog 1 a\n", "the transaction number is 0, which is the server's", 1},
      {"x syslog 1 a\n", "no transaction number", 0},
      {" 1 syslog 1 a\n", "no transaction number", 0},
      {"-1 syslog 1 a\n", "no transaction number", 0},
      {"1000000000 syslog 1 a\n", "the transaction number has over 9 digits", 9},
      {"1\n", "no blank behind the transaction number", 1},
      {"1  syslog 1 a\n", "no command", 2},
      {"1 sys1og 1 a\n", "no blank behind the command", 5},
      {"1 abcdefghijklmnopqrstuvwxyzabcdefg 1 a\n", "no blank behind the command", 34},
      {"1 syslog x\n", "no length", 9},
      {"1 syslog -1 a\n", "no length", 9},
      {"1 syslog \xef\xbc\x91 a\n", "no length", 9},  // a digit of Unicode
      {"1 syslog 1\n", "no blank behind the length", 10},
      {"1 syslog 4294967297 a\n", "the length has over 9 digits", 18},  // 2^32 + 1
      {"1 syslog 18446744073709551617 a\n", "the length has over 9 digits", 18},
      {"1 syslog " + std::string(100, '1'), "the length has over 9 digits", 18},
      {"1 syslog 0x10 a\n", "no blank behind the length", 10},
  }));
  CAPTURE(text);
  const Header header = parse_header(text);
  REQUIRE(header.status == Status::kMalformed);
  CHECK(header.why == why);
  CHECK(header.at == at);
}
