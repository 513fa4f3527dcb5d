#include "server/config/text.h"

#include <catch2/catch.hpp>

#include "server/config/problem.h"

using namespace penstock::config;

TEST_CASE("quoted text never holds a control byte", "[config]") {
  CHECK(in_quotes("a b") == "\"a b\"");
  CHECK(in_quotes("a\"b\\c") == "\"a\\\"b\\\\c\"");
  CHECK(in_quotes("a\nb\tc\rd\x1b[2J\x7f") == "\"a\\nb\\tc\\u000dd\\u001b[2J\\u007f\"");
  CHECK(in_quotes("\xC2\x9B"
                  "31m \xC3\xBC") == "\"\\u009b31m \xC3\xBC\"");
}

TEST_CASE("a line loses its control bytes and keeps its quotes and backslashes", "[config]") {
  CHECK(without_controls("\"a\\u001b\" \x1b[31m\x07\n\t\x7f\xc2\x9b é") ==
        R"("a\u001b" \u001b[31m\u0007\n\t\u007f\u009b é)");
  CHECK(without_controls("").empty());
  CHECK(without_controls("\xc2") == "\xc2");
}

TEST_CASE("long text is cut between characters", "[config]") {
  CHECK(in_quotes(std::string(80, 'x')) == '"' + std::string(80, 'x') + '"');
  CHECK(in_quotes(std::string(81, 'x')) == '"' + std::string(80, 'x') + "...\"");
  CHECK(in_quotes(std::string(79, 'x') + "\xC3\xBC") == '"' + std::string(79, 'x') + "...\"");
}

TEST_CASE("sizes and durations are shown in the largest unit that divides them", "[config]") {
  CHECK(size_text(0) == "0");
  CHECK(size_text(1500) == "1500B");
  CHECK(size_text(65536) == "64KiB");
  CHECK(size_text(std::uint64_t{1} << 40) == "1TiB");
  CHECK(size_text(std::uint64_t{1} << 50) == "1024TiB");
  CHECK(duration_text(std::chrono::milliseconds(0)) == "0s");
  CHECK(duration_text(std::chrono::milliseconds(1500)) == "1500ms");
  CHECK(duration_text(std::chrono::seconds(90)) == "90s");
  CHECK(duration_text(std::chrono::minutes(2)) == "2m");
  CHECK(duration_text(std::chrono::hours(23)) == "23h");
  CHECK(duration_text(std::chrono::hours(48)) == "2d");
}

TEST_CASE("lists of words", "[config]") {
  CHECK(quoted_list({}, "or").empty());
  CHECK(quoted_list({"a"}, "or") == "\"a\"");
  CHECK(quoted_list({"a", "b"}, "or") == "\"a\" or \"b\"");
  CHECK(quoted_list({"a", "b", "c"}, "and") == "\"a\", \"b\" and \"c\"");
}

TEST_CASE("a problem is one line with its place, or without where it has none", "[config]") {
  CHECK(to_string("p.toml", {{14, 19}, "x", false}) == "p.toml:14:19: x");
  CHECK(to_string("p.toml", {{14, 19}, "x", true}) == "p.toml:14:19: warning: x");
  CHECK(to_string("p.toml", {{}, "x", false}) == "p.toml: x");
  CHECK(to_string("p.toml", {{}, "x", true}) == "p.toml: warning: x");
}
