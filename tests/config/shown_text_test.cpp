#include "server/config/shown_text.h"

#include <catch2/catch.hpp>

using namespace penstock::config;

namespace {

const std::string kText = R"toml(# ünïcödé
[server]
password = "héllo" # comment
"x.password" = 'a'
token_file = "/etc/token"
[[sink]]
name = "${SECRET}"
kafka = { "sasl.password" = "s3cret", x = 1, ssl_secret = ["a",
  "b"] }
http = { endpoint = "http://h", headers = { Authorization = "Bearer x", "X-Scope-OrgID" = 'y' } }
headers.Not = "shown"
token = """
several
lines"""
last = 2
)toml";

const std::string kShown = R"toml(# ünïcödé
[server]
password = "(hidden)" # comment
"x.password" = "(hidden)"
token_file = "/etc/token"
[[sink]]
name = "${SECRET}"
kafka = { "sasl.password" = "(hidden)", x = 1, ssl_secret = "(hidden)" }
http = { endpoint = "http://h", headers = { Authorization = "(hidden)", "X-Scope-OrgID" = "(hidden)" } }
headers.Not = "shown"
token = "(hidden)"
last = 2
)toml";

}  // namespace

TEST_CASE("shown text: values of secret names are hidden, all else stands as written", "[config]") {
  const auto root = parse_toml(kText);
  REQUIRE(root);
  CHECK(shown_text(kText, *root) == kShown);
}
