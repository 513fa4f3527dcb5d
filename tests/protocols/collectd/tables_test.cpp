#include "protocols/collectd/tables.h"

#include <catch2/catch.hpp>
#include <string>

using namespace penstock;
using collectd::FileProblem;
using collectd::Tables;

TEST_CASE("types.db: names of types and their sources", "[collectd]") {
  Tables tables;
  const FileProblem problem = collectd::parse_types_db(
      "# comment\n\n"
      "absolute                value:ABSOLUTE:0:U\n"
      "load\tshortterm:GAUGE:0:5000, midterm:GAUGE:0:5000,\tlongterm:GAUGE:0:5000 # three\r\n"
      "blanks\trx:DERIVE:0:U tx:DERIVE:0:U \t , z:GAUGE:U:U ,\n"
      "if_octets  rx:DERIVE:0:U,tx:DERIVE:0:U",
      tables);
  CHECK_FALSE(problem.problem);
  CHECK(tables.types.size() == 4);
  CHECK(tables.types["blanks"] == std::vector<std::string>{"rx", "tx", "z"});
  CHECK(tables.types["load"] == std::vector<std::string>{"shortterm", "midterm", "longterm"});
  CHECK(tables.types["if_octets"] == std::vector<std::string>{"rx", "tx"});
}

TEST_CASE("types.db: what is no type, and its line", "[collectd]") {
  const auto [text, line] = GENERATE(table<std::string, std::size_t>({
      {"ok a:GAUGE:0:1\nalone\n", 2},
      {"\n\nbad nocolon\n", 3},
      {"bad a:GAUGE:0:1,,b:GAUGE:0:1", 1},
  }));
  Tables tables;
  const FileProblem problem = collectd::parse_types_db(text, tables);
  CHECK(problem.problem);
  CHECK(problem.line == line);
}

TEST_CASE("auth file: users and passwords", "[collectd]") {
  Tables tables;
  CHECK_FALSE(
      collectd::parse_auth_file("# users\nalice: secret\nbob:with: colon \n\n", tables).problem);
  CHECK(tables.users.size() == 2);
  CHECK(tables.users["alice"] == "secret");
  CHECK(tables.users["bob"] == "with: colon");
  CHECK(collectd::parse_auth_file("alice: x\nbob\n", tables).line == 2);
  CHECK(collectd::parse_auth_file(": x\n", tables).line == 1);
  CHECK(collectd::parse_auth_file("x: \n", tables).line == 1);
}
