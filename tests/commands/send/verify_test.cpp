#include "server/commands/send/verify.h"

#include <catch2/catch.hpp>

#include <string>

#include "server/commands/send/report.h"

using namespace penstock;

namespace {

const PayloadTemplate kPayload = make_payload(PayloadKind::kSyslog, 90, 0);

std::string line(std::uint64_t sequence) { return kPayload.record(sequence) + "\n"; }

// Fed in pieces of `piece` bytes.
VerifyResult check(const std::string& file, std::uint64_t first, std::uint64_t count,
                   std::size_t piece) {
  Verifier verifier(kPayload, first, count);
  for (std::size_t at = 0; at < file.size(); at += piece)
    verifier.add(std::string_view(file).substr(at, piece));
  verifier.end_file();
  return verifier.result();
}

}  // namespace

TEST_CASE("verify: lost, doubled, altered, foreign, however the file is cut", "[send][verify]") {
  struct Row {
    std::string name, file;
    std::uint64_t right, lost, doubled, altered, foreign;
  };
  std::string wrong_pad = line(1);
  wrong_pad[85] = '!';
  std::string wrong_digit = line(1);
  wrong_digit[kPayload.sequence_at + 3] = 'x';
  std::string with_lf = line(1);
  with_lf[80] = '\n';
  const std::string all = line(0) + line(1) + line(2);
  const Row row = GENERATE_COPY(
      Row{"all", all, 3, 0, 0, 0, 0}, Row{"any order", line(2) + line(0) + line(1), 3, 0, 0, 0, 0},
      Row{"nothing", "", 0, 3, 0, 0, 0}, Row{"one lost", line(0) + line(2), 2, 1, 0, 0, 0},
      Row{"one doubled", all + line(1), 3, 0, 1, 0, 0},
      Row{"one thrice", all + line(1) + line(1), 3, 0, 2, 0, 0},
      Row{"padding altered", line(0) + wrong_pad + line(2), 2, 0, 0, 1, 0},
      Row{"cut off", line(0) + line(1).substr(0, 80) + "\n" + line(2), 2, 0, 0, 1, 0},
      Row{"something behind", line(0) + line(1).substr(0, 90) + "x\n" + line(2), 2, 0, 0, 1, 0},
      Row{"altered and right", all + wrong_pad, 3, 0, 0, 1, 0},
      Row{"no number", line(0) + wrong_digit + line(2), 2, 1, 0, 0, 1},
      Row{"split in two", line(0) + with_lf + line(2), 2, 0, 0, 1, 1},
      Row{"number out of range", all + line(3), 3, 0, 0, 0, 1},
      Row{"another text", all + "hello\n", 3, 0, 0, 0, 1},
      Row{"empty line", all + "\n", 3, 0, 0, 0, 1},
      Row{"two run together", line(0).substr(0, 90) + line(1) + line(2), 1, 1, 0, 1, 0});
  const std::size_t piece = GENERATE(1u, 13u, 91u, 1'000'000u);
  CAPTURE(row.name, piece);
  const VerifyResult result = check(row.file, 0, 3, piece);
  CHECK(result.right == row.right);
  CHECK(result.lost == row.lost);
  CHECK(result.doubled == row.doubled);
  CHECK(result.altered == row.altered);
  CHECK(result.foreign == row.foreign);
  CHECK(result.good() == (row.lost + row.doubled + row.altered + row.foreign == 0));
}

TEST_CASE("verify: the range begins at --first, and a last line may lack its LF",
          "[send][verify]") {
  const std::string file = line(1'000) + line(1'001).substr(0, 90);
  const VerifyResult result = check(file, 1'000, 2, 7);
  CHECK(result.good());
  CHECK(result.right == 2);
  CHECK(result.unterminated == 1);
  CHECK(check(file, 1'001, 2, 7).foreign == 1);
}

TEST_CASE("verify: examples are few, and control bytes are escaped", "[send][verify]") {
  std::string file;
  for (int i = 0; i < 100; ++i) file += "\x1b[2J\n";
  const VerifyResult result = check(file, 0, 100, 50);
  CHECK(result.foreign == 100);
  CHECK(result.lost == 100);
  CHECK(result.examples.size() <= 10);
  for (const std::string& example : result.examples)
    CHECK(example.find('\x1b') == std::string::npos);
}

TEST_CASE("report: read back, only what was wholly written is expected", "[send][report]") {
  SendOptions options;
  options.count = 10;
  options.url = "tcp://127.0.0.1:1";
  SendResult sent;
  sent.connections.resize(3);
  sent.connections[0].sent = 5;  // 100, 102, 104, 106, 108
  sent.connections[0].stopped_by_peer = true;
  sent.connections[1].sent = 2;  // 101, 103
  sent.connections[2].idle = true;
  const Deal deal{100, 10, 2};
  const Result<Expected> expected = parse_report(report_json(options, deal, sent));
  INFO((expected ? "" : expected.error().message));
  REQUIRE(expected);
  CHECK(expected->deal.first == 100);
  CHECK(expected->deal.connections == 2);
  std::string numbers;
  for (std::uint64_t n = 0; n < expected->numbers.size(); ++n)
    numbers += expected->numbers.has(n) ? '1' : '0';
  CHECK(numbers == "111110101");

  Verifier verifier(kPayload, 100, 10);
  verifier.expect_only(expected->numbers);
  for (const std::uint64_t n : {100u, 101u, 102u, 103u, 104u, 105u, 106u, 108u})
    verifier.add(line(n));
  const VerifyResult result = verifier.result();
  CHECK(result.good());
  CHECK(result.right == 8);
  CHECK(result.unexpected == 1);
}

TEST_CASE("report: what is no report is an error", "[send][report]") {
  const std::string text = GENERATE(
      "", "[]", "{}", R"({"first":0,"senders":1})", R"({"first":0,"senders":2,"connections":[{}]})",
      R"({"first":0,"senders":1,"connections":[{"sent":-1}]})",
      R"({"first":0,"senders":1,"connections":[7]})",
      R"({"first":0,"senders":1,"connections":[{"sent":18446744073709551615}]})");
  CHECK_FALSE(parse_report(text));
}

TEST_CASE("summary: all is well only when nothing is missing on either side", "[send][report]") {
  SendResult result;
  result.connections.resize(1);
  result.connections[0].sent = 5;
  result.connections[0].end = SendEnd::kPeerEof;
  SendSummary summary;
  summary.planned = 5;
  REQUIRE(all_well(result, summary));
  SECTION("unsent") { summary.planned = 6; }
  SECTION("reset") { result.connections[0].end = SendEnd::kReset; }
  SECTION("timed out") { result.connections[0].end = SendEnd::kTimedOut; }
  SECTION("stopped") { result.connections[0].stopped_by_peer = true; }
  SECTION("refused") { result.refused = 1; }
  SECTION("bad lines") { summary.bad_lines = 1; }
  SECTION("input left") { summary.input_left = true; }
  SECTION("error") { result.error = "x"; }
  CHECK_FALSE(all_well(result, summary));
}
