#include "server/commands/tap_output.h"

#include <catch2/catch.hpp>

#include <vector>

using penstock::TapOutput;

namespace {

struct Result {
  std::string records;
  std::vector<std::string> notes;
  bool more = true;

  friend bool operator==(const Result&, const Result&) = default;
};

/// In pieces of every size up to the whole.
Result output_of(TapOutput::Options options, const std::string& bytes, std::size_t piece) {
  Result result;
  TapOutput output(
      options,
      [&](std::string_view records) {
        result.records += records;
        return true;
      },
      [&](const std::string& note) { result.notes.push_back(note); });
  for (std::size_t at = 0; result.more && at < bytes.size(); at += piece)
    result.more = output.take(std::string_view(bytes).substr(at, piece));
  return result;
}

Result output_of(TapOutput::Options options, const std::string& bytes) {
  Result whole = output_of(options, bytes, bytes.size());
  for (std::size_t piece = 1; piece < bytes.size(); ++piece) {
    const Result cut = output_of(options, bytes, piece);
    CAPTURE(piece);
    CHECK(cut == whole);
  }
  return whole;
}

}  // namespace

TEST_CASE("tap output: records as they are, notes apart", "[tap]") {
  const Result text = output_of({},
                                "2026 a\n# 3 records skipped\n2026 # b\n# 0 records skipped\n# 0 "
                                "records skipped, 5 not looked at\n2026 half");
  CHECK(text.records == "2026 a\n2026 # b\n");
  CHECK(text.notes == std::vector<std::string>{"3 records skipped (more than --rate)",
                                               "5 records not looked at"});
  CHECK(text.more);
  const Result json =
      output_of({.json = true},
                "{\"time\":1}\n{\"skipped\":0}\n{\"skipped\":2,\"unseen\":7}\n{\"time\":2}\n");
  CHECK(json.records == "{\"time\":1}\n{\"time\":2}\n");
  CHECK(json.notes ==
        std::vector<std::string>{"2 records skipped (more than --rate), 7 records not looked at"});
}

TEST_CASE("tap output: ends behind the record that was the last to be shown", "[tap]") {
  const Result two = output_of({.count = 2}, "a\n# 1 records skipped\nb\nc\nd\n");
  CHECK(two.records == "a\nb\n");
  CHECK_FALSE(two.more);
}

TEST_CASE("tap output: ends where it cannot be written", "[tap]") {
  TapOutput output(
      {}, [](std::string_view) { return false; }, [](const std::string&) {});
  CHECK(output.take("hal"));
  CHECK_FALSE(output.take("f\n"));
}

TEST_CASE("tap output: JSON for a terminal holds nothing that it obeys, and means the same",
          "[tap]") {
  const std::string line =
      "{\"m\":"
      "\"\x7f\xc2\x80\xc2\x9b\xc2\xa0\xe2\x80\xae\xe2\x81\xa6\xe2\x80\xa0\xf0\x9f\x98\x80\xc3\xa4\""
      "}\n";
  CHECK(output_of({.json = true}, line).records == line);
  CHECK(output_of({.json = true, .to_terminal = true}, line).records ==
        "{\"m\":"
        "\"\\u007f\\u0080\\u009b\xc2\xa0\\u202e\\u2066\xe2\x80\xa0\xf0\x9f\x98\x80\xc3\xa4\"}\n");
}
