#include "protocols/lumberjack/decoder.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/feed.h"
#include "tests/protocols/lumberjack/support.h"
#include "tests/protocols/unheard.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;
using namespace std::string_literals;
using Events = std::vector<std::string>;
using Records = std::vector<Record>;

TEST_CASE("lumberjack: the examples", "[lumberjack]") {
  Feed json(make_lumberjack());
  REQUIRE(
      json.read("2W\0\0\0\1"
                "2J\0\0\0\1\0\0\0\7{\"m\":1}"s));
  CHECK(json.records() == Records{{R"({"m":1})"}});
  CHECK(json.events() == Events{R"({"fields":{"m":1}})"});
  json.complete();
  CHECK(json.sent() == ack(1));

  Feed pairs(make_lumberjack());
  REQUIRE(
      pairs.read("1W\0\0\0\1"
                 "1D\0\0\0\1\0\0\0\1\0\0\0\4line\0\0\0\2hi"s));
  CHECK(pairs.records() == Records{{R"({"line":"hi"})"}});
  CHECK(pairs.events() == Events{R"({"message":"hi","fields":{}})"});
  pairs.complete();
  CHECK(pairs.sent() == ack(1, '1'));

  Feed packed(make_lumberjack());
  REQUIRE(
      packed.read("2W\0\0\0\2"
                  "2C\0\0\0\x1f\x78\x9c\x33\xf2\x62\x60\x60\x60\x04\x62\xf6\x6a\xa5\x5c\x25\x2b"
                  "\xc3\x5a\x23\x90\x00\x13\x5c\xc0\xa8\x16\x00\x4d\x72\x05\x33"s));
  CHECK(packed.records() == Records{{R"({"m":1})"}, {R"({"m":2})"}});
  CHECK(packed.sent().empty());
  packed.complete();
  CHECK(packed.sent() == "2A\0\0\0\2"s);
}

TEST_CASE("lumberjack: a window is acknowledged at its end, once it is delivered", "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(3) + json(1, "{}") + json(2, "{}")));
  CHECK_FALSE(feed.waits_for_completion());
  REQUIRE(feed.read(json(3, "{}")));
  CHECK(feed.sent().empty());
  CHECK_FALSE(feed.decoder().quiescent());
  feed.complete();
  CHECK(feed.sent() == ack(3));
  CHECK(feed.decoder().quiescent());
}

TEST_CASE("lumberjack: the last sequence counts, whether senders begin anew or count on",
          "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(2) + json(1, "{}") + json(2, "{}") + window(1) + json(1, "{}") +
                    window(2) + json(41, "{}") + json(42, "{}")));
  feed.complete();
  CHECK(feed.sent() == ack(2) + ack(1) + ack(42));
}

TEST_CASE("lumberjack: a window of 0 is no batch and gets no acknowledgement", "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(0)));
  CHECK_FALSE(feed.waits_for_completion());
  REQUIRE(feed.read(window(0) + window(1) + json(1, "{}")));
  feed.complete();
  CHECK(feed.sent() == ack(1));
}

TEST_CASE(
    "lumberjack: a window over several compressed frames, plain ones between them, and a "
    "window frame inside of one",
    "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(4) + compressed(json(1, R"({"n":1})")) + json(2, R"({"n":2})") +
                    compressed(json(3, R"({"n":3})") + json(4, R"({"n":4})")) +
                    compressed(window(1) + json(1, R"({"n":5})"))));
  CHECK(feed.records().size() == 5);
  feed.complete();
  CHECK(feed.sent() == ack(4) + ack(1));
}

TEST_CASE("lumberjack: an event as Filebeat sends it", "[lumberjack]") {
  const std::string event =
      R"({"@timestamp":"2026-11-29T20:00:00.123Z","message":"hello","host":{"name":"web1"},"n":1.5})";
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(1) + json(1, event)));
  CHECK(feed.records() == Records{{event}});
  CHECK(feed.events() == Events{R"({"timestamp":@1795982400123000000,"message":"hello",)"
                                R"("fields":{"host":{"name":"web1"},"n":1.5}})"});
}

TEST_CASE("lumberjack: pairs of version 1 keep their bytes; the frame is JSON of them",
          "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(1, '1') +
                    data(1, {"file", "/var/log/x", "line", "a\"b\n\xff", "offset", "7", "", ""})));
  CHECK(feed.records() == Records{{"{\"file\":\"/var/log/"
                                   "x\",\"line\":\"a\\\"b\\n\xff\",\"offset\":\"7\",\"\":\"\"}"}});
  CHECK(feed.events() ==
        Events{"{\"message\":\"a\\\"b\\x0a\xff\",\"fields\":{\"file\":\"/var/log/x\","
               "\"offset\":\"7\",\"\":\"\"}}"});
}

TEST_CASE("lumberjack: while a window waits for its sink, ACK 0 goes out", "[lumberjack]") {
  Feed feed(make_lumberjack({.keepalive = 3s}));
  feed.now.monotonic = 10s;
  CHECK_FALSE(feed.decoder().deadline());
  REQUIRE(feed.read(window(2) + json(1, "{}")));
  REQUIRE(feed.decoder().deadline() == 13s);
  feed.now.monotonic = 12s;
  REQUIRE(feed.read(json(2, "{}")));
  CHECK(feed.decoder().deadline() == 13s);
  feed.now.monotonic = 13s;
  feed.deadline();
  CHECK(feed.sent() == ack(0));
  REQUIRE(feed.decoder().deadline() == 16s);
  feed.now.monotonic = 16s;
  feed.deadline();
  CHECK(feed.sent() == ack(0) + ack(0));
  feed.complete();
  CHECK(feed.sent() == ack(0) + ack(0) + ack(2));
  CHECK_FALSE(feed.decoder().deadline());
}

TEST_CASE(
    "lumberjack: no ACK 0 for version 1, whose senders take any for all of it; it can be turned "
    "off",
    "[lumberjack]") {
  Feed one(make_lumberjack());
  REQUIRE(one.read(window(1, '1') + data(1, {})));
  CHECK_FALSE(one.decoder().deadline());
  one.complete();
  CHECK(one.sent() == ack(1, '1'));
  Feed off(make_lumberjack({.keepalive = 0s}));
  REQUIRE(off.read(window(1) + json(1, "{}")));
  CHECK_FALSE(off.decoder().deadline());
}

TEST_CASE("lumberjack: ACK 0 goes out for what is sent and not read yet", "[lumberjack]") {
  Feed feed(make_lumberjack({.keepalive = 3s}));
  feed.now.monotonic = 10s;
  feed.decoder().on_held_up(feed.now, "2");
  REQUIRE(feed.decoder().deadline() == 13s);
  feed.now.monotonic = 11s;
  feed.decoder().on_held_up(feed.now, "2");
  CHECK(feed.decoder().deadline() == 13s);
  feed.now.monotonic = 13s;
  feed.deadline();
  CHECK(feed.sent() == ack(0));
  CHECK(feed.decoder().deadline() == 16s);
  REQUIRE(feed.read(window(1) + json(1, "{}")));
  feed.complete();
  CHECK(feed.sent() == ack(0) + ack(1));
  CHECK_FALSE(feed.decoder().deadline());
}

TEST_CASE("lumberjack: what is not read is of version 1 by its first byte, or as what was read",
          "[lumberjack]") {
  Feed fresh(make_lumberjack());
  fresh.decoder().on_held_up(fresh.now, "1");
  CHECK_FALSE(fresh.decoder().deadline());
  Feed later(make_lumberjack());
  REQUIRE(later.read(window(1, '1') + data(1, {})));
  later.complete();
  later.decoder().on_held_up(later.now, "2");  // in the middle of a frame, for all we know
  CHECK_FALSE(later.decoder().deadline());
}

TEST_CASE("lumberjack: so many windows without an acknowledgement stop the reading",
          "[lumberjack]") {
  Feed feed(make_lumberjack());
  for (int i = 0; i < 9'999; ++i) REQUIRE(feed.read(window(1) + json(1, "{}")));
  CHECK(feed.decoder().wants_input());
  REQUIRE(feed.read(window(1) + json(1, "{}")));
  CHECK_FALSE(feed.decoder().wants_input());
  REQUIRE(feed.read(window(1) + json(1, "{}")));  // what was read already is taken
  feed.complete();
  CHECK(feed.decoder().wants_input());
  CHECK(feed.sent().size() == 10'001 * ack(1).size());
}

TEST_CASE("lumberjack: a stop waits for the window that has begun, and takes nothing behind it",
          "[lumberjack][stop]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(2) + json(1, "{}")));
  CHECK(feed.decoder().quiescent());  // a silent sender may time out
  drain(feed.decoder());
  CHECK_FALSE(feed.decoder().quiescent());
  REQUIRE(feed.read(json(2, "{}")));
  feed.complete();
  CHECK(feed.sent() == ack(2));
  CHECK(feed.decoder().quiescent());
  REQUIRE(feed.read(window(1) + json(1, "{}")));
  CHECK(feed.records().size() == 2);
  feed.complete();
  CHECK(feed.sent() == ack(2));
}

TEST_CASE("lumberjack: an unfinished frame is not delivered, for its sender has it still",
          "[lumberjack]") {
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(2) + json(1, "{}") + json(2, "{}").substr(0, 8)));
  feed.end(EndReason::kReset);
  CHECK(feed.records().size() == 1);
  CHECK(feed.refusals().empty());
  CHECK(feed.counts().rejected[static_cast<std::size_t>(Reason::kTailReset)] == 1);
}
