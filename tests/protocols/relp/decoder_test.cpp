#include "protocols/relp/decoder.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/feed.h"
#include "tests/protocols/unheard.h"

using namespace penstock;
using namespace penstock::test;
using Records = std::vector<Record>;
using Refusals = std::vector<Refusal>;

namespace {

// As librelp 1.11 writes it.
const std::string kOpen =
    "1 open 95 relp_version=0\nrelp_software=librelp,1.11.0,http://librelp.adiscon.com\n"
    "commands=syslog\n";
const std::string kOpened =
    "1 rsp 60 200 OK\nrelp_version=0\nrelp_software=penstock\ncommands=syslog\n";

std::string frame(std::uint32_t txnr, const std::string& command, const std::string& data) {
  std::string all = std::to_string(txnr) + ' ' + command + ' ' + std::to_string(data.size());
  if (!data.empty()) all += ' ' + data;
  return all + '\n';
}
std::string open() {
  return frame(1, "open", "relp_version=0\nrelp_software=test\ncommands=syslog");
}
std::string message(std::uint32_t txnr, const std::string& text) {
  return frame(txnr, "syslog", text);
}

std::unique_ptr<Decoder> make(FramingOptions framing = {.max_frame_bytes = 1024},
                              RelpOptions relp = {}) {
  return make_relp_decoder(framing, relp, {});
}

const std::string kText = "<13>1 2026-11-29T20:00:00Z web1 app 7 - - hello";

}  // namespace

TEST_CASE("relp: open, syslog, close as rsyslog sends them", "[relp]") {
  Feed feed(make());
  REQUIRE(feed.read(open()));
  CHECK(feed.sent() == kOpened);
  // rsyslog's data end in LF, and the length counts it.
  REQUIRE(feed.read(message(2, kText + '\n') + message(3, kText)));
  CHECK(feed.records() == Records{{kText}, {kText}});
  CHECK(feed.sent() == kOpened);
  CHECK_FALSE(feed.decoder().quiescent());
  feed.complete();
  CHECK(feed.sent() == kOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
  CHECK(feed.decoder().quiescent());
  CHECK_FALSE(feed.hung_up());
  REQUIRE(feed.read("4 close 0\n"));
  CHECK(feed.sent().ends_with("OK\n4 rsp 0\n0 serverclose 0\n"));
  CHECK(feed.hung_up());
  feed.end(EndReason::kFin);
}

TEST_CASE("relp: a LF that is the last byte of a compressed message is no line's end", "[relp]") {
  // The checksum of this text, 0xef6a0ccf, ends in LF.
  const std::string text = "<13>1 - - - - - - zzzzzzzzzzzzzzzzzz 99999";
  const std::string zipped(
      "\x7a\x78\x9c\xb3\x31\x34\xb6\x33\x54\xd0\x45\x82\x55\x18\x40\xc1\x12\x04\x00"
      "\xef\x6a\x0c\xcf",
      23);
  Feed feed(make());
  REQUIRE(feed.read(open() + message(2, zipped) + message(3, zipped + '\n')));
  CHECK(feed.records() == Records{{text}, {text}});
}

TEST_CASE("relp: nothing is answered before it is delivered, close behind all of it", "[relp]") {
  Feed feed(make());
  REQUIRE(feed.read(open() + message(2, kText) + "3 close 0\n"));
  CHECK(feed.sent() == kOpened);
  CHECK_FALSE(feed.hung_up());
  feed.complete();
  CHECK(feed.sent() == kOpened + "2 rsp 6 200 OK\n3 rsp 0\n0 serverclose 0\n");
  CHECK(feed.hung_up());
}

TEST_CASE("relp: transaction numbers wrap at 999999999", "[relp]") {
  Feed feed(make());
  REQUIRE(feed.read(open() + message(999'999'999, kText) + message(1, kText)));
  feed.complete();
  CHECK(feed.sent() == kOpened + "999999999 rsp 6 200 OK\n1 rsp 6 200 OK\n");
}

TEST_CASE("relp: an empty message is no record and is answered in its turn", "[relp]") {
  Feed feed(make());
  REQUIRE(
      feed.read(open() + message(2, kText) + "3 syslog 0\n" + "4 syslog 0 \n" + message(5, "\n")));
  CHECK(feed.records() == Records{{kText}});
  CHECK(feed.counts().empty == 3);
  feed.complete();
  CHECK(feed.sent() ==
        kOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n5 rsp 6 200 OK\n");
}

TEST_CASE("relp: what is no syslog message goes on flagged, or to the quarantine, and is answered",
          "[relp]") {
  const std::string text = "<999>1 - - - - - - x";
  Feed deliver(make());
  REQUIRE(deliver.read(open() + message(2, text)));
  CHECK(deliver.records() == Records{{text, kFrameUnparsed}});
  deliver.complete();
  CHECK(deliver.sent() == kOpened + "2 rsp 6 200 OK\n");
  Feed quarantine(make({.max_frame_bytes = 1024, .unparsed = Unparsed::kQuarantine}));
  REQUIRE(quarantine.read(open() + message(2, text)));
  CHECK(quarantine.records().empty());
  REQUIRE(quarantine.refusals().size() == 1);
  CHECK(quarantine.refusals()[0].reason == Reason::kUnparsed);
  quarantine.complete();
  CHECK(quarantine.sent() == kOpened + "2 rsp 6 200 OK\n");
}

TEST_CASE("relp: data longer than max_frame_bytes, by each policy", "[relp]") {
  const std::string text = kText + std::string(100, 'x'), head = text.substr(0, 60);
  const auto bytes = open() + message(2, text) + message(3, "<13>next");
  Feed cut(make({.max_frame_bytes = 60, .oversize = Oversize::kTruncate}));
  REQUIRE(cut.read_bytewise(bytes));
  CHECK(cut.records() == Records{{head, kFrameTruncated}, {"<13>next"}});
  CHECK(cut.counts().cut_bytes == text.size() - 60);
  cut.complete();
  CHECK(cut.sent() == kOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");
  CHECK(cut.longest_tail() < 60 + 72);
  Feed unparsed(make({.max_frame_bytes = 60, .oversize = Oversize::kTruncate}));
  REQUIRE(unparsed.read(open() + message(2, "<13>1 - h a p - [id " + std::string(100, 'x') + "]")));
  CHECK(unparsed.events().at(0).starts_with(R"({"error":"cut off at max_frame_bytes","message":)"));

  Feed drop(make({.max_frame_bytes = 60, .oversize = Oversize::kDrop}));
  REQUIRE(drop.read(bytes));
  CHECK(drop.records() == Records{{"<13>next"}});
  CHECK(drop.refusals() == Refusals{{Reason::kOversize, head}});
  drop.complete();
  CHECK(drop.sent() == kOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n");

  Feed close(make({.max_frame_bytes = 60, .oversize = Oversize::kClose}));
  CHECK_FALSE(close.read(bytes));
  CHECK(close.records().empty());
  close.complete();
  CHECK(close.sent() == kOpened);
}

TEST_CASE("relp: what breaks the stream closes it without an answer", "[relp]") {
  const auto bytes = GENERATE(values<std::string>({
      message(2, kText) + "3 syslog 99999999999999999999 x",
      message(2, kText) + "3 syslog 4294967299 abc\n",
      message(2, kText) + "3 syslog 18446744073709551619 abc\n",
      message(2, kText) + "3 syslog 3 abcd\n",
      message(2, kText) + "3 syslog -3 abc\n",
      message(2, kText) + std::string("\0\0\0", 3),
      message(2, kText) + "3 open 0\n",
      message(2, kText) + "3 close 0\n" + message(4, kText),
      message(2, kText) + "0 syslog 3 abc\n",
  }));
  CAPTURE(bytes);
  Feed feed(make());
  CHECK_FALSE(feed.read(open() + bytes));
  CHECK(feed.why() != nullptr);
  CHECK(feed.records() == Records{{kText}});
  CHECK(feed.refusals().size() == 1);
  CHECK(feed.sent() == kOpened);
  CHECK_FALSE(feed.read(message(9, kText)));
  CHECK(feed.records().size() == 1);
}

TEST_CASE("relp: a message before open, an unknown command", "[relp]") {
  Feed early(make());
  CHECK_FALSE(early.read(message(1, kText)));
  CHECK(early.records().empty());
  CHECK(early.sent().empty());
  Feed unknown(make());
  CHECK_FALSE(unknown.read(open() + "2 starttls 0\n"));
  CHECK(unknown.sent() == kOpened + "2 rsp 19 500 unknown command\n");
}

TEST_CASE("relp: a window of commands without an answer stops the reading", "[relp]") {
  Feed feed(make({.max_frame_bytes = 1024}, {.max_window = 2}));
  REQUIRE(feed.read(open() + message(2, kText)));
  CHECK(feed.decoder().wants_input());
  REQUIRE(feed.read(message(3, kText)));
  CHECK_FALSE(feed.decoder().wants_input());
  REQUIRE(feed.read(message(4, kText)));  // what was read already is taken
  feed.complete();
  CHECK(feed.decoder().wants_input());
  CHECK(feed.sent() == kOpened + "2 rsp 6 200 OK\n3 rsp 6 200 OK\n4 rsp 6 200 OK\n");
}

TEST_CASE("relp: an unfinished frame is not delivered, for its sender will send it again",
          "[relp]") {
  const auto cause = GENERATE(EndReason::kFin, EndReason::kReset, EndReason::kDeadline);
  const std::string half = "3 syslog 100 half";
  Feed feed(make());
  REQUIRE(feed.read(open() + message(2, kText) + half));
  feed.end(cause);
  CHECK(feed.records() == Records{{kText}});
  CHECK(feed.refusals().empty());
  CHECK(feed.counts().rejected[static_cast<std::size_t>(cause == EndReason::kFin ? Reason::kTailFin
                                                        : cause == EndReason::kReset
                                                            ? Reason::kTailReset
                                                            : Reason::kTailDeadline)] == 1);
}

TEST_CASE("relp: a stop waits for the frame that has begun, and takes nothing behind its goodbye",
          "[relp][stop]") {
  Feed feed(make());
  const std::string late = message(2, kText);
  REQUIRE(feed.read(open() + late.substr(0, 20)));
  drain(feed.decoder());
  CHECK_FALSE(feed.decoder().quiescent());
  REQUIRE(feed.read(late.substr(20)));
  CHECK_FALSE(feed.decoder().quiescent());
  feed.complete();
  CHECK(feed.decoder().quiescent());
  CHECK(feed.sent() == kOpened + "2 rsp 6 200 OK\n");
  // This crosses our FIN: were it delivered, its sender would not know and send it again.
  REQUIRE(feed.read(message(3, kText)));
  CHECK(feed.records() == Records{{kText}});
  CHECK(feed.counts().discarded_bytes[static_cast<std::size_t>(Reason::kTailDeadline)] ==
        message(3, kText).size());
  feed.end(EndReason::kFin);
}
