#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <string>

#include "server/commands/send/command.h"
#include "server/commands/send/payload.h"
#include "server/commands/send/report.h"
#include "server/commands/send/verify.h"
#include "server/pipeline/quarantine_format.h"
#include "tests/commands/send/receiver.h"
#include "tests/support/files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using penstock::test::Receiver;
using penstock::test::TempDir;

namespace {

SendOptions options_for(const Receiver& receiver, std::uint64_t count) {
  SendOptions options;
  options.url = receiver.url();
  options.count = count;
  options.quiet = true;
  return options;
}

// All records of `options` in these pieces, each once; pieces of a stream hold many lines.
VerifyResult verify(const SendOptions& options, const std::vector<std::string>& pieces,
                    bool messages) {
  Verifier verifier(make_payload(options.payload, options.size_bytes, options.seed), options.first,
                    options.count.value_or(0));
  for (const std::string& piece : pieces) {
    verifier.add(piece);
    if (messages) verifier.add("\n");
  }
  verifier.end_file();
  return verifier.result();
}

}  // namespace

TEST_CASE("send: every scheme delivers every record once", "[send]") {
  const Scheme scheme =
      GENERATE(Scheme::kTcp, Scheme::kTcp4, Scheme::kTcp6, Scheme::kUdp, Scheme::kUdp4,
               Scheme::kUdp6, Scheme::kUnix, Scheme::kUnixgram, Scheme::kUnixpacket);
  CAPTURE(to_string(scheme));
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, is_udp(scheme) ? 500 : 5'000);
  options.first = 7;
  options.rate = is_udp(scheme) ? 20'000 : 0;
  receiver.start(is_datagram(scheme) ? *options.count : 1);
  CHECK(run_send(options) == 0);
  const VerifyResult result = verify(options, receiver.received(), !is_stream(scheme));
  CHECK(result.good());
  CHECK(result.right == *options.count);
}

TEST_CASE("send: several connections share the numbers, idle ones are silent", "[send]") {
  const Scheme scheme = GENERATE(Scheme::kTcp, Scheme::kUnix);
  const double rate = GENERATE(0.0, 50'000.0);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, 3'001);
  options.connections = 7;
  options.idle = 2;
  options.rate = rate;
  receiver.start(9);
  CHECK(run_send(options) == 0);
  const std::vector<std::string> received = receiver.received();
  CHECK(verify(options, received, false).right == 3'001);
  CHECK(std::count(received.begin(), received.end(), "") == 2);
}

TEST_CASE("send: each framing puts its bytes around each record", "[send]") {
  const auto [framing, expected] = GENERATE(table<SendFraming, std::string>({
      {SendFraming::kNewline, "seq=000000000000\nseq=000000000001\n"},
      {SendFraming::kCrlf, "seq=000000000000\r\nseq=000000000001\r\n"},
      {SendFraming::kNul, std::string("seq=000000000000\0seq=000000000001\0", 34)},
      {SendFraming::kOctetCounted, "16 seq=00000000000016 seq=000000000001"},
      {SendFraming::kSyslogAuto, "16 seq=00000000000016 seq=000000000001"},
      {SendFraming::kNone, "seq=000000000000seq=000000000001"},
  }));
  const TempDir dir;
  Receiver receiver(Scheme::kTcp, dir.path());
  SendOptions options = options_for(receiver, 2);
  options.payload = PayloadKind::kRaw;
  options.size_bytes = 16;
  options.framing = framing;
  receiver.start(1);
  CHECK(run_send(options) == 0);
  CHECK(receiver.received() == std::vector<std::string>{expected});
}

TEST_CASE("send: UDP_SEGMENT gives datagrams of one record each", "[send]") {
  const Scheme scheme = GENERATE(Scheme::kUdp4, Scheme::kUdp6);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, 100);
  options.segment = 32;
  receiver.start(100);
  CHECK(run_send(options) == 0);
  CHECK(verify(options, receiver.received(), true).right == 100);
}

TEST_CASE("send: the peer's FIN ends the sending at a record boundary, and the report says where",
          "[send]") {
  const Scheme scheme = GENERATE(Scheme::kTcp, Scheme::kUnix, Scheme::kUnixpacket);
  const double rate = GENERATE(0.0, 200'000.0);
  CAPTURE(to_string(scheme), rate);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, 100'000'000);
  options.size_bytes = 1'000;
  options.rate = rate;
  options.report = dir / "report.json";
  receiver.start(1, Receiver::Then::kFinAndReadToEof, 300'000);
  CHECK(run_send(options) == 1);
  const std::vector<std::string> received = receiver.received();

  const Result<Expected> expected = parse_report(test::read_file(options.report));
  REQUIRE(expected);
  const std::uint64_t bytes = std::accumulate(
      received.begin(), received.end(), std::uint64_t{0},
      [](std::uint64_t sum, const std::string& piece) { return sum + piece.size(); });
  const std::uint64_t record = scheme == Scheme::kUnixpacket ? 1'000 : 1'001;
  CHECK(bytes % record == 0);
  CHECK(bytes / record == expected->numbers.size());
  options.count = expected->numbers.size();
  CHECK(verify(options, received, scheme == Scheme::kUnixpacket).good());
  const std::string report = test::read_file(options.report);
  CHECK(report.find("\"end\":\"peer_eof\",\"stopped_by_peer\":true") != std::string::npos);
}

TEST_CASE("send: a peer that closes with unread data is a reset", "[send]") {
  const Scheme scheme = GENERATE(Scheme::kTcp, Scheme::kUnix, Scheme::kUnixpacket);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, 10'000'000);
  options.report = dir / "report.json";
  receiver.start(1, Receiver::Then::kCloseUnread, 1);
  CHECK(run_send(options) == 1);
  CHECK(test::read_file(options.report).find("\"end\":\"reset\"") != std::string::npos);
}

TEST_CASE("send: a peer that never answers our FIN is told after the timeout", "[send]") {
  const Scheme scheme = GENERATE(Scheme::kTcp, Scheme::kUnix, Scheme::kUnixpacket);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options = options_for(receiver, 10);
  options.timeout_seconds = 0.1;
  options.report = dir / "report.json";
  receiver.start(1, Receiver::Then::kNeverFin);
  CHECK(run_send(options) == 1);
  CHECK(test::read_file(options.report).find("\"end\":\"timed_out\"") != std::string::npos);
}

TEST_CASE("send: --duration ends an endless run at a record boundary", "[send]") {
  const TempDir dir;
  Receiver receiver(Scheme::kTcp, dir.path());
  SendOptions options = options_for(receiver, 0);
  options.count.reset();
  options.duration_seconds = 0.05;
  options.rate = 100'000;
  options.report = dir / "report.json";
  receiver.start(1);
  CHECK(run_send(options) == 0);
  const std::vector<std::string> received = receiver.received();
  const Result<Expected> expected = parse_report(test::read_file(options.report));
  REQUIRE(expected);
  CHECK(expected->numbers.size() > 0);
  options.count = expected->numbers.size();
  CHECK(verify(options, received, false).right == *options.count);
}

TEST_CASE("send: a file's lines and a quarantine's entries arrive in order", "[send]") {
  const Scheme scheme = GENERATE(Scheme::kTcp, Scheme::kUnixgram, Scheme::kUnixpacket);
  const bool replay = GENERATE(false, true);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options;
  options.url = receiver.url();
  options.quiet = true;
  std::string file, stream;
  std::vector<std::string> records;
  for (int i = 0; i < 10'000; ++i) {
    records.push_back("line " + std::to_string(i));
    stream += records.back() + "\n";
    QuarantineEntry entry;
    entry.bytes = records.back();
    file += replay ? to_line(entry) : records.back() + "\n";
  }
  test::write_file(dir / "in", file);
  (replay ? options.replay : options.file) = dir / "in";
  receiver.start(is_datagram(scheme) ? records.size() : 1);
  CHECK(run_send(options) == 0);
  CHECK(receiver.received() == (is_stream(scheme) ? std::vector{stream} : records));
}

TEST_CASE("send: a replay whose framing cannot carry an entry gives status 1", "[send][replay]") {
  const auto [framing, status] =
      GENERATE(table<SendFraming, int>({{SendFraming::kNewline, 1},
                                        {SendFraming::kCrlf, 1},
                                        {SendFraming::kNul, 0},
                                        {SendFraming::kOctetCounted, 0}}));
  const TempDir dir;
  Receiver receiver(Scheme::kUnix, dir.path());
  SendOptions options;
  options.url = receiver.url();
  options.quiet = true;
  options.framing = framing;
  options.replay = dir / "q.jsonl";
  QuarantineEntry entry;
  entry.bytes = "a\nb";
  test::write_file(options.replay, to_line(entry));
  receiver.start(1);
  CHECK(run_send(options) == status);
  CHECK(receiver.received().size() == 1);
}

TEST_CASE("send: records too long for a message are told, and those behind them are sent",
          "[send][replay]") {
  const auto [scheme, too_long] = GENERATE(table<Scheme, std::size_t>({
      {Scheme::kUdp, 65'508},
      {Scheme::kUdp4, 65'508},
      {Scheme::kUnixgram, 16u << 20},
      {Scheme::kUnixpacket, 16u << 20},
  }));
  CAPTURE(to_string(scheme));
  const std::size_t batch = GENERATE(1u, 64u);
  const TempDir dir;
  Receiver receiver(scheme, dir.path());
  SendOptions options;
  options.url = receiver.url();
  options.quiet = true;
  options.batch = batch;
  options.replay = dir / "q.jsonl";
  std::string file;
  QuarantineEntry entry;
  for (const std::size_t size : {too_long, std::size_t{4}, too_long, too_long, std::size_t{5}}) {
    entry.bytes = std::string(size, 'x');
    file += to_line(entry);
  }
  test::write_file(options.replay, file);
  receiver.start(is_datagram(scheme) ? 2 : 1);
  CHECK(run_send(options) == 1);
  CHECK(receiver.received() == std::vector<std::string>{"xxxx", "xxxxx"});
}

TEST_CASE("send: a URL alone sends one syslog line", "[send]") {
  const TempDir dir;
  Receiver receiver(Scheme::kTcp, dir.path());
  SendOptions options;
  options.url = receiver.url();
  options.quiet = true;
  receiver.start(1);
  CHECK(run_send(options) == 0);
  const std::vector<std::string> received = receiver.received();
  CHECK_THAT(received.at(0), Catch::StartsWith("<14>1 2") &&
                                 Catch::EndsWith(" - - test record from penstock send\n"));
}

TEST_CASE("send: what cannot be sent gives status 1, wrong usage 2", "[send]") {
  const TempDir dir;
  SendOptions options;
  options.quiet = true;
  options.count = 1;
  SECTION("nobody listens") {
    options.url = "unix://" + (dir / "none");
    CHECK(run_send(options) == 1);
  }
  SECTION("no datagram socket there") {
    options.url = "unixgram://" + (dir / "none");
    CHECK(run_send(options) == 1);
  }
  SECTION("no file") {
    options.url = "unix://" + (dir / "none");
    options.count.reset();
    options.file = dir / "missing";
    CHECK(run_send(options) == 1);
  }
  SECTION("a datagram too large") {
    Receiver receiver(Scheme::kUdp4, dir.path());
    options.url = receiver.url();
    options.size_bytes = 65'508;
    CHECK(run_send(options) == 1);
  }
  SECTION("no URL") { CHECK(run_send(options) == 2); }
  SECTION("no such scheme") {
    options.url = "http://localhost:80";
    CHECK(run_send(options) == 2);
  }
  SECTION("too small") {
    options.url = "tcp://127.0.0.1:9";
    options.size_bytes = 1;
    CHECK(run_send(options) == 2);
  }
  SECTION("verify without count") {
    options.count.reset();
    options.verify = {"-"};
    CHECK(run_send(options) == 2);
  }
}

TEST_CASE("send --verify: files against a count or a report", "[send][verify]") {
  const TempDir dir;
  const PayloadTemplate payload = make_payload(PayloadKind::kSyslog, 200, 0);
  test::write_file(dir / "a", payload.record(0) + "\n" + payload.record(2) + "\n");
  test::write_file(dir / "b", payload.record(1) + "\n");
  SendOptions options;
  options.quiet = true;
  options.verify = {dir / "a", dir / "b"};
  options.count = 3;
  CHECK(run_send(options) == 0);
  options.count = 4;
  CHECK(run_send(options) == 1);
  options.verify = {dir / "a", dir / "missing"};
  CHECK(run_send(options) == 1);
}
