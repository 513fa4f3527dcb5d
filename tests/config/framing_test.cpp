#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using namespace std::string_literals;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

const config::Listener& only_listener(const config::Loaded& loaded) {
  REQUIRE(loaded.problems.empty());
  return loaded.config.listeners.at(0);
}

config::Loaded load(const std::string& lines) {
  return config::load_text(test::kListener + lines + test::kSink, "t.toml");
}

}  // namespace

TEST_CASE("delimiter: text and escapes become bytes", "[config]") {
  const auto [written, bytes] = GENERATE(table<std::string, std::string>({
      {R"('\n')", "\n"},
      {R"("\n")", "\n"},
      {R"("\\n")", "\n"},
      {R"('\r\n\t')", "\r\n\t"},
      {R"('\xff\x00\xAb')", "\xff\0\xab"s},
      {R"('\0')", "\0"s},
      {R"("\u0000")", "\0"s},
      {R"('\\')", "\\"},
      {R"('--- end ---')", "--- end ---"},
      {R"('$$')", "$"},
      {R"("é")", "\xc3\xa9"},
      {"'" + std::string(64, 'x') + "'", std::string(64, 'x')},
  }));
  CAPTURE(written);
  CHECK(only_listener(load("framing = \"delimiter\"\ndelimiter = " + written + "\n"))
            .frames.delimiter == bytes);
}

TEST_CASE("delimiter: what is none is told", "[config]") {
  const auto [written, got] = GENERATE(table<std::string, std::string>({
      {"''", "an empty string"},
      {R"('\q')", R"("\\q")"},
      {R"('\x4')", R"("\\x4")"},
      {R"('\xg0')", R"("\\xg0")"},
      {R"('a\')", R"("a\\")"},
      {"1", "1"},
      {"['a']", "a list"},
      {"'" + std::string(65, 'x') + "'", '"' + std::string(65, 'x') + '"'},
  }));
  CAPTURE(written);
  CHECK(problems_of(test::kListener + "framing = \"delimiter\"\ndelimiter = " + written + "\n" +
                    test::kSink) ==
        Lines{R"(t.toml:5:13: listener "in": delimiter: expected 1 to 64 bytes, in which \xNN, )"
              R"(\n, \r, \t, \0 and \\ stand for one each, got )" +
              got});
}

TEST_CASE("length: its table, and its values", "[config]") {
  const auto loaded = load(
      "framing = \"length_prefixed\"\n"
      "length = { bytes = 2, endian = \"little\", offset = 64, includes_header = true }\n");
  CHECK(
      only_listener(loaded).frames.length ==
      LengthField{.bytes = 2, .order = std::endian::little, .offset = 64, .includes_header = true});
  CHECK(only_listener(load("framing = \"length_prefixed\"\n")).frames.length ==
        LengthField{.bytes = 4});
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"length.bytes = 3", "16: listener \"in\": length.bytes: expected 1, 2, 4 or 8, got 3"},
      {"length.bytes = 0", "16: listener \"in\": length.bytes: expected 1, 2, 4 or 8, got 0"},
      {"length.bytes = \"4\"",
       "16: listener \"in\": length.bytes: expected 1, 2, 4 or 8, got \"4\""},
      {"length.offset = 65", "17: listener \"in\": length.offset: expected 0 to 64, got 65"},
      {"length.endian = \"bg\"",
       "17: listener \"in\": length.endian: expected \"big\" or \"little\", got \"bg\", did you "
       "mean \"big\"?"},
      {"length.includes_header = 1",
       "26: listener \"in\": length.includes_header: expected true or false, got 1"},
      {"length = 4",
       "10: listener \"in\": length: expected a table, such as length = { ... }, "
       "got 4"},
  }));
  CHECK(problems_of(test::kListener + "framing = \"length_prefixed\"\n" + line + "\n" +
                    test::kSink) == Lines{"t.toml:5:" + problem});
}

TEST_CASE("keys of one framing need it, and it needs them", "[config]") {
  const auto [lines, problem] = GENERATE(table<std::string, std::string>({
      {"framing = \"delimiter\"",
       "4:11: listener \"in\": delimiter: missing, framing = \"delimiter\" needs it, such as "
       "delimiter = '\\r\\n'"},
      {"framing = \"fixed\"",
       "4:11: listener \"in\": frame_bytes: missing, framing = \"fixed\" needs it, such as "
       "frame_bytes = 512"},
      {"delimiter = ';'", "4:1: listener \"in\": delimiter: only framing = \"delimiter\" has it"},
      {"framing = \"json\"\nframe_bytes = 8",
       "5:1: listener \"in\": frame_bytes: only framing = \"fixed\" has it"},
      {"framing = \"varint\"\nlength.endian = \"big\"",
       "5:8: listener \"in\": length.endian: only framing = \"length_prefixed\" has it"},
      {"framing = \"fixed\"\nframe_bytes = 65537",
       "5:15: listener \"in\": frame_bytes: 65537 is more than max_frame_bytes, 65536"},
      {"framing = \"fixed\"\nframe_bytes = 65\nmax_frame_bytes = 64",
       "5:15: listener \"in\": frame_bytes: 65 is more than max_frame_bytes, 64"},
      {"framing = \"fixed\"\nframe_bytes = 0",
       "5:15: listener \"in\": frame_bytes: expected 1 to 16777216 (or a size such as \"1KiB\"), "
       "got 0"},
      // a framing that is not understood makes no second problem
      {"framing = \"fixd\"\nframe_bytes = 8",
       "4:11: listener \"in\": framing: expected \"newline\", \"nul\", \"octet_counted\", "
       "\"syslog_auto\", \"delimiter\", \"length_prefixed\", \"varint\", \"fixed\", \"json\" or "
       "\"none\", got \"fixd\", did you mean \"fixed\"?"},
  }));
  CAPTURE(lines);
  CHECK(problems_of(test::kListener + lines + "\n" + test::kSink) == Lines{"t.toml:" + problem});
}

TEST_CASE("a delimiter has an effect on datagrams too", "[config]") {
  const std::string udp = "[[listener]]\nname = \"in\"\nlisten = \"udp://:1\"\n";
  CHECK(problems_of(udp + "framing = \"delimiter\"\ndelimiter = ';'\n" + test::kSink).empty());
  CHECK(problems_of(udp + "framing = \"nul\"\n" + test::kSink).empty());
  CHECK(problems_of(udp + "framing = \"json\"\n" + test::kSink).size() == 1);
}
