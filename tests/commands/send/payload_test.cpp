#include "server/commands/send/payload.h"

#include <catch2/catch.hpp>

#include <set>
#include <string>

#include "protocols/framed/send_framing.h"

using namespace penstock;

namespace {

const auto kKinds = {PayloadKind::kSyslog, PayloadKind::kRaw, PayloadKind::kJson,
                     PayloadKind::kStatsd};

}  // namespace

TEST_CASE("payload: the documented form of each kind", "[send][payload]") {
  CHECK(make_payload(PayloadKind::kSyslog, 76, 0).record(42) ==
        "<134>1 2026-01-01T00:00:00.000000Z penstock send 1 - - seq=000000000042 abcd");
  CHECK(make_payload(PayloadKind::kRaw, 20, 1).record(7) == "seq=000000000007 bcd");
  CHECK(make_payload(PayloadKind::kJson, 34, 0).record(1) ==
        R"({"pad":"abc","seq":"000000000001"})");
  CHECK(make_payload(PayloadKind::kStatsd, 38, 0).record(999'999'999'999) ==
        "penstock.sendabc:1|c|#seq:999999999999");
}

TEST_CASE("payload: every size from the smallest on is exact, on one line", "[send][payload]") {
  for (const PayloadKind kind : kKinds) {
    for (std::size_t size = smallest_payload(kind); size < smallest_payload(kind) + 100; ++size) {
      const std::string record = make_payload(kind, size, 3).record(5);
      CAPTURE(record);
      CHECK(record.size() == size);
      CHECK(record.find_first_of(std::string("\n\r\0", 3)) == std::string::npos);
    }
  }
}

TEST_CASE("payload: the number is where the template says, and comes back", "[send][payload]") {
  for (const PayloadKind kind : kKinds) {
    const PayloadTemplate payload = make_payload(kind, 200, 0);
    for (const std::uint64_t sequence :
         {0ull, 9ull, 10ull, 9'999ull, 10'000ull, 123'456'789'012ull, 999'999'999'999ull}) {
      CHECK(read_sequence(payload.record(sequence).data() + payload.sequence_at) == sequence);
    }
    CHECK(payload.record(77) == make_payload(kind, 200, 0).record(77));
  }
  CHECK_FALSE(read_sequence("00000000000x"));
  CHECK_FALSE(read_sequence("-00000000001"));
  CHECK_FALSE(read_sequence(" 00000000001"));
}

TEST_CASE("options: a size below the smallest names the smallest", "[send][options]") {
  for (const PayloadKind kind : kKinds) {
    SendOptions options;
    options.count = 1;
    options.payload = kind;
    options.size_bytes = smallest_payload(kind);
    CHECK(problem_with(options, Scheme::kTcp).empty());
    --options.size_bytes;
    CHECK(problem_with(options, Scheme::kTcp) ==
          "--size " + std::to_string(options.size_bytes) + ": a " + std::string(name_of(kind)) +
              " record has at least " + std::to_string(smallest_payload(kind)) + " bytes");
  }
}

TEST_CASE("options: contradictions are named", "[send][options]") {
  SendOptions options;
  options.count = 10;
  const auto problem = [&](Scheme scheme) { return problem_with(options, scheme); };
  SECTION("segments on tcp") {
    options.segment = 2;
    CHECK(problem(Scheme::kTcp) == "--segment is for udp");
  }
  SECTION("too many segments") {
    options.segment = 65;
    CHECK(problem(Scheme::kUdp) == "--segment: at most 64");
  }
  SECTION("segments too large together") {
    options.segment = 64;
    options.size_bytes = 1'100;
    CHECK_THAT(problem(Scheme::kUdp), Catch::EndsWith("at most 59 with this --size"));
  }
  SECTION("a file has its own count") {
    options.file = "x";
    CHECK_THAT(problem(Scheme::kTcp), Catch::StartsWith("--count"));
  }
  SECTION("idle datagram sockets") {
    options.idle = 1;
    CHECK_THAT(problem(Scheme::kUnixgram), Catch::StartsWith("--idle"));
  }
  SECTION("numbers end at twelve digits") {
    options.first = kSequenceEnd - 9;
    CHECK_THAT(problem(Scheme::kTcp), Catch::StartsWith("--first and --count"));
    options.first = kSequenceEnd - 10;
    CHECK(problem(Scheme::kTcp).empty());
  }
  SECTION("not a number") {
    options.rate = std::stod("nan");
    CHECK_THAT(problem(Scheme::kTcp), Catch::StartsWith("--rate"));
  }
}

TEST_CASE("framing: bytes before and behind a record", "[send][framing]") {
  const auto [framing, prefix, suffix, delimiter] =
      GENERATE(table<SendFraming, std::string, std::string, std::string>(
          {{SendFraming::kNewline, "", "\n", "\n"},
           {SendFraming::kCrlf, "", "\r\n", "\n"},
           {SendFraming::kNul, "", std::string(1, '\0'), std::string(1, '\0')},
           {SendFraming::kOctetCounted, "1234 ", "", ""},
           {SendFraming::kSyslogAuto, "1234 ", "", ""},
           {SendFraming::kNone, "", "", ""}}));
  CHECK(frame_prefix(framing, 1234) == prefix);
  CHECK(frame_suffix(framing) == suffix);
  CHECK(frame_delimiter(framing) == delimiter);
}
