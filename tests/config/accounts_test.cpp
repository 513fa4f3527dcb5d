#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

std::string with(const std::string& line) {
  return "[[listener]]\nname = \"in\"\nlisten = \"unix:///a\"\n" + line + '\n' + test::kSink;
}

}  // namespace

TEST_CASE("owner and group that this machine does not know are told", "[config]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"owner = \"no-such-user\"", "owner: no user \"no-such-user\" on this machine"},
      {"group = \"no-such-group\"", "group: no group \"no-such-group\" on this machine"},
      {"owner = \"4294967295\"", "owner: no user \"4294967295\" on this machine"},
      {"owner = 4294967295", "owner: expected a user name or number, got 4294967295"},
      {"group = -1", "group: expected a group name or number, got -1"},
      {"owner = true", "owner: expected a user name or number, got true"},
      {"group = \"\"", "group: expected a group name or number, got an empty string"},
  }));
  CAPTURE(line);
  CHECK(problems_of(with(line)) == Lines{"t.toml:4:9: listener \"in\": " + problem});
}

TEST_CASE("owner and group are names or numbers", "[config]") {
  const std::string value =
      GENERATE(as<std::string>{}, "\"root\"", "\"0\"", "0", "\"4294967294\"", "12345");
  CAPTURE(value);
  CHECK(problems_of(with("owner = " + value)).empty());
  CHECK(problems_of(with("group = " + value)).empty());
}
