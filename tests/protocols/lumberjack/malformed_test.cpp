#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/feed.h"
#include "tests/protocols/heap.h"
#include "tests/protocols/lumberjack/support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

/// Gives up without an acknowledgement; a good window behind it is not taken.
void refused(const std::string& bytes, const std::string& why, Reason reason = Reason::kMalformed,
             const LumberjackOptions& options = {}) {
  CAPTURE(bytes);
  Feed feed(make_lumberjack(options));
  CHECK_FALSE(feed.read(bytes));
  REQUIRE(feed.why() != nullptr);
  if (!why.empty()) CHECK(feed.why() == why);
  REQUIRE(feed.refusals().size() == 1);
  CHECK(feed.refusals()[0].reason == reason);
  const std::size_t records = feed.records().size();
  CHECK_FALSE(feed.read(window(1) + json(1, "{}")));
  CHECK(feed.records().size() == records);
  CHECK_FALSE(feed.decoder().deadline());
  feed.end(EndReason::kFin);
  CHECK(feed.sent().empty());
}

const std::string kMost = number(0xffffffff);

}  // namespace

TEST_CASE("lumberjack: what breaks the stream", "[lumberjack][malformed]") {
  refused("3W", "a version that is neither 1 nor 2");
  refused("GET / HTTP/1.1\r\n", "a version that is neither 1 nor 2");
  refused(window(1) + "2X" + number(1), "a type that is none of W, D, J and C");
  refused(json(1, "{}"), "an event outside of a window");
  refused(window(0) + json(1, "{}"), "an event outside of a window");
  refused(window(2) + json(1, "{}") + window(1), "a window before the end of the last one");
  refused(ack(1), "an acknowledgement, which only the server sends");
  refused(window(10'001), "a window larger than lumberjack.max_window");
  refused(window(0xffffffff), "a window larger than lumberjack.max_window");
}

TEST_CASE("lumberjack: what breaks the stream does so at its first wrong byte, however it is cut",
          "[lumberjack][malformed]") {
  const auto [good, wrong] = GENERATE(table<std::string, std::string>(
      {{"", "3"}, {window(0), "\x01"}, {window(0), "2X"}, {window(1) + json(1, "{}"), "1Z"}}));
  CAPTURE(good, wrong);
  Feed feed(make_lumberjack());
  REQUIRE(feed.read_bytewise(good + wrong.substr(0, wrong.size() - 1)));
  CHECK_FALSE(feed.read(wrong.substr(wrong.size() - 1)));
}

TEST_CASE("lumberjack: an event whose JSON is no object is unparsed, and its window acknowledged",
          "[lumberjack][malformed]") {
  const auto text = GENERATE(values<std::string>(
      {" ", "[]", "1", "\"a\"", "null", "{", "{\"a\":}", "{\"a\":1}x", "{\"a\":NaN}",
       std::string(2000, '['), "{\"a\":" + std::string(2000, '[')}));
  const std::string before = json(1, R"({"n":1})"), after = json(3, R"({"n":3})");
  const std::string events = before + json(2, text) + after;
  const bool zipped = GENERATE(false, true);
  Feed feed(make_lumberjack());
  REQUIRE(feed.read(window(3) + (zipped ? compressed(events) : events)));
  CHECK(feed.records() == Records{{R"({"n":1})"}, {text, kFrameUnparsed}, {R"({"n":3})"}});
  CHECK(feed.counts().unparsed == 1);
  CHECK(feed.sent().empty());
  feed.complete();
  CHECK(feed.sent() == ack(3));
}

TEST_CASE("lumberjack: unparsed events go to the quarantine where that is asked for",
          "[lumberjack][malformed]") {
  Feed feed(make_lumberjack_decoder({.unparsed = Unparsed::kQuarantine}, {}));
  REQUIRE(feed.read(window(3) + json(1, "[]") + json(2, "") + json(3, "{}")));
  CHECK(feed.records() == Records{{"{}"}});
  REQUIRE(feed.refusals().size() == 1);
  CHECK(feed.refusals()[0].reason == Reason::kUnparsed);
  CHECK(feed.refusals()[0].bytes == "[]");
  CHECK(feed.counts().empty == 1);
  feed.complete();
  CHECK(feed.sent() == ack(3));
}

TEST_CASE("lumberjack: lengths of 4 GiB", "[lumberjack][malformed]") {
  refused(window(1) + "2J" + number(1) + kMost, "an event longer than max_frame_bytes",
          Reason::kOversize);
  refused(window(1) + "2C" + kMost,
          "a compressed frame longer than lumberjack.max_decompressed_bytes", Reason::kOversize);
  refused(window(1) + "1D" + number(1) + kMost, "more pairs than lumberjack.max_pairs",
          Reason::kOversize);
  refused(window(1) + "1D" + number(1) + number(1) + kMost, "an event longer than max_frame_bytes",
          Reason::kOversize);
  refused(window(1) + compressed("2J" + number(1) + kMost), "an event longer than max_frame_bytes",
          Reason::kOversize);
}

TEST_CASE("lumberjack: compressed frames", "[lumberjack][malformed]") {
  const std::string event = json(1, "{}");
  refused(window(1) + compressed(compressed(event)), "a compressed frame in a compressed one");
  refused(window(1) + compressed(event.substr(0, 8)), "a compressed frame ends inside of another");
  refused(window(1) + raw_compressed("no zlib"), "", Reason::kUndecodable);
  refused(window(1) + raw_compressed(""), "", Reason::kUndecodable);
  const std::string zlib = compress(Coding::kZlib, event);
  refused(window(1) + raw_compressed(zlib.substr(0, zlib.size() - 1)), "", Reason::kUndecodable);
}

TEST_CASE("lumberjack: bombs", "[lumberjack][malformed]") {
  const std::string zeros(4 << 20, '\0');
  refused(window(1) + compressed(zeros), "more than lumberjack.max_decompressed_bytes",
          Reason::kDecompressLimit, {.max_decompressed_bytes = 1 << 20});
  refused(window(1) + compressed(zeros), "more than lumberjack.max_decompressed_ratio",
          Reason::kDecompressLimit, {.max_decompressed_ratio = 50});
}

TEST_CASE("lumberjack: what came out of a broken frame is not held", "[lumberjack][malformed]") {
  const std::string zlib = compress(Coding::kZlib, std::string(8 << 20, '\0'));
  Feed feed(make_lumberjack({.max_decompressed_ratio = 0}));
  REQUIRE(feed.read(window(2) + json(1, "{}")));
  const std::size_t before = heap_bytes();
  CHECK_FALSE(feed.read(raw_compressed(zlib.substr(0, zlib.size() - 1))));
  CHECK(heap_bytes() < before + (1 << 20));
}

TEST_CASE("lumberjack: an event of version 1 that is longer than any frame as JSON",
          "[lumberjack][malformed]") {
  const std::string value(3 << 20, '\1');
  Feed feed(make_lumberjack({}, std::size_t{1} << 24));
  CHECK_FALSE(feed.read(window(1, '1') + data(1, {"line", value})));
  CHECK(std::string(feed.why()) == "an event longer than 16 MiB as JSON");
  CHECK(feed.records().empty());
}
