#include <catch2/catch.hpp>

#include "protocols/statsd/decoder.h"
#include "tests/protocols/cuts.h"

using namespace penstock;
using namespace penstock::test;
using Texts = std::vector<std::string>;

namespace {

std::string counter(const std::string& name, int value) {
  return R"({"name":")" + name + R"(","kind":"counter","value":)" + std::to_string(value) + '}';
}

}  // namespace

TEST_CASE("statsd: one datagram with 30 lines, the last without LF", "[statsd]") {
  std::string datagram;
  Texts expected;
  for (int n = 0; n < 30; ++n) {
    datagram += (n == 0 ? "" : "\n") + std::string("c") + std::to_string(n) + ":1|c";
    expected.push_back(counter("c" + std::to_string(n), 1));
  }
  Feed feed(make_statsd_decoder({.split = Split::kNewline}));
  feed.datagram(datagram);
  CHECK(feed.events() == expected);
  CHECK(feed.counts().unparsed == 0);
}

TEST_CASE("statsd: several metrics of one name in a line", "[statsd]") {
  Feed feed(make_statsd_decoder({}));
  feed.read("a:1|c:2:3|ms|@0.5:+4|g:x|s\nb:1|c:2|q:3|c\nc:1|c:2|c|#x:y\nd:1|c:\n");
  CHECK(
      feed.events() ==
      Texts{
          counter("a", 1), R"({"name":"a","kind":"timer","value":[2,3],"sample_rate":0.5})",
          R"({"name":"a","kind":"gauge","value":4,"delta":true})",
          R"({"name":"a","kind":"set","value":"x"})", counter("b", 1),
          R"({"error":"the type is none of c, g, ms, h, d and s","error_offset":4,"message":"b:2|q"})",
          counter("b", 3),
          R"({"error":"the type is none of c, g, ms, h, d and s","error_offset":4,"message":"c:1|c:2|c|#x:y"})",
          R"({"error":"the type is none of c, g, ms, h, d and s","error_offset":4,"message":"d:1|c:"})"});
  CHECK(feed.records()[1].bytes == "a:2:3|ms|@0.5");
}

TEST_CASE("statsd: a long name with many metrics is not repeated for each", "[statsd]") {
  std::string line(1000, 'n');
  for (int n = 0; n < 1000; ++n) line += ":1|c";
  Feed feed(make_statsd_decoder({}));
  feed.read(line + '\n');
  CHECK(feed.records().size() == 1);
  CHECK(feed.counts().unparsed == 1);
}

TEST_CASE("statsd: a stream gives the same however it is cut", "[statsd]") {
  const std::string stream =
      "a:1|c\r\nb:2:3|ms|@0.5|#x:y,z|c:in-1|T1656581400\n\n_e{1,4}:t|a\\nb|h:w\nbad\n_sc|n|1|m:"
      "x\ntail:1|c";
  const Feed feed = check_every_cut([] { return make_statsd_decoder({}); }, stream);
  REQUIRE(feed.events().size() == 6);
  CHECK(feed.events()[0] == counter("a", 1));
  CHECK(feed.events()[3] ==
        R"({"error":"no `:` between name and value","error_offset":3,"message":"bad"})");
  CHECK(feed.events()[5] == counter("tail", 1));
  CHECK(feed.records()[3] == Record{"bad", kFrameUnparsed});
  CHECK(feed.records()[5] == Record{"tail:1|c", kFramePartial});
  CHECK(feed.counts().empty == 1);
}

TEST_CASE("statsd: what is unparsed goes to the quarantine where the listener says so",
          "[statsd]") {
  Feed feed(make_statsd_decoder({.unparsed = Unparsed::kQuarantine}));
  feed.read("a:1|c\nbad\nb:1|c\n");
  CHECK(feed.events() == Texts{counter("a", 1), counter("b", 1)});
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kUnparsed, "bad",
                                                 "at byte 3: no `:` between name and value"}});
}

TEST_CASE("statsd: a line that was cut off is unparsed, though its rest looks like a metric",
          "[statsd]") {
  Feed feed(make_statsd_decoder({.max_frame_bytes = 5}));
  feed.read("a:1|c|@0.5\nb:2|c\n");
  REQUIRE(feed.events().size() == 2);
  CHECK(feed.events()[0] == R"({"error":"cut off at max_frame_bytes","message":"a:1|c"})");
  CHECK(feed.events()[1] == counter("b", 2));
}
