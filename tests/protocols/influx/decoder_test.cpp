#include "protocols/influx/decoder.h"

#include <catch2/catch.hpp>

#include "tests/protocols/cuts.h"

using namespace penstock;
using namespace penstock::test;
using Texts = std::vector<std::string>;

namespace {

std::string point(const std::string& value) {
  return R"({"name":"m","fields":{"f":)" + value + "}}";
}

}  // namespace

TEST_CASE("influx: a stream gives the same however it is cut", "[influx]") {
  const std::string stream =
      "# comment\nm f=1\r\n\n  \nm f=\"a\nb\"\nbad\nm,t=v\\ w f=1i,g=T 7\nm f=2";
  const Feed feed = check_every_cut([] { return make_influx_decoder({}, {}); }, stream);
  CHECK(feed.events() ==
        Texts{point("1.0"), point(R"("a\x0ab")"),
              R"({"error":"no blank before the fields","error_offset":3,"message":"bad"})",
              R"({"name":"m","tags":{"t":"v w"},"fields":{"f":1,"g":true},"timestamp":@7})",
              point("2.0")});
  CHECK(feed.counts().empty == 3);
  CHECK(feed.records().back() == Record{"m f=2", kFramePartial});
}

TEST_CASE("influx: datagrams hold lines like streams", "[influx]") {
  Feed feed(make_influx_decoder({.max_frame_bytes = 12}, {}));
  SECTION("several, the last without LF") {
    feed.datagram("m f=1\nm f=\"\n\"\r\n# x\nm f=2");
    CHECK(feed.events() == Texts{point("1.0"), point(R"("\x0a")"), point("2.0")});
  }
  SECTION("empty") {
    feed.datagram("");
    CHECK(feed.counts().empty == 1);
  }
  SECTION("one that is too long") {
    feed.datagram("m f=123456789\nm f=2\r");
    CHECK(
        feed.events() ==
        Texts{R"({"error":"cut off at max_frame_bytes","message":"m f=12345678"})", point("2.0")});
    CHECK(feed.counts().cut_bytes == 1);
  }
  SECTION("one that is too long and the last") {
    feed.datagram("m f=2\nm f=123456789");
    CHECK(feed.counts().cut_bytes == 1);
    CHECK(feed.counts().unparsed == 1);
  }
  SECTION("cut off by the kernel") {
    feed.datagram("m f=1\nm f=2", 20);
    CHECK(feed.events() ==
          Texts{point("1.0"), R"({"error":"cut off at max_frame_bytes","message":"m f=2"})"});
    CHECK(feed.counts().cut_bytes == 9);
  }
}

TEST_CASE("influx: an over-long datagram line is dropped where the listener closes or drops",
          "[influx]") {
  for (const Oversize oversize : {Oversize::kDrop, Oversize::kClose}) {
    Feed feed(make_influx_decoder({.max_frame_bytes = 6, .oversize = oversize}, {}));
    feed.datagram("m f=123\nm f=2");
    CHECK(feed.events() == Texts{point("2.0")});
    CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kOversize, "m f=12"}});
  }
}

TEST_CASE("influx: no line of a text that is cut off becomes a point", "[influx]") {
  const std::string lines = "m f=\"" + std::string(80, 'z') + "\ncpu usage=999\n\" 5\nm f=2\n";
  const std::string head = lines.substr(0, 64);
  const Texts expected{
      R"({"error":"cut off at max_frame_bytes","message":"m f=\")" + head.substr(5) + "\"}",
      point("2.0")};
  Feed stream(make_influx_decoder({.max_frame_bytes = 64}, {}));
  for (const char byte : lines) CHECK(stream.read(std::string_view(&byte, 1)));
  CHECK(stream.events() == expected);
  Feed datagram(make_influx_decoder({.max_frame_bytes = 64}, {}));
  datagram.datagram(lines);
  CHECK(datagram.events() == expected);
}
