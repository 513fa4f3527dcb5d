#include <catch2/catch.hpp>

#include "protocols/graphite/decoder.h"
#include "tests/protocols/cuts.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Texts = std::vector<std::string>;

namespace {

/// Protocol 2 of a list of metrics, each `('name', (1, value))` with the value's opcodes, behind its length.
std::string message(const std::vector<std::pair<std::string, std::string>>& metrics) {
  std::string pickle = "\x80\x02](";
  for (const auto& [name, value] : metrics)
    pickle +=
        "U" + std::string(1, static_cast<char>(name.size())) + name + "K\x01" + value + "\x86\x86";
  pickle += "e.";
  return "\0\0\0"s + static_cast<char>(pickle.size()) + pickle;
}

}  // namespace

TEST_CASE("graphite_pickle: each metric is an event whose frame says it in plaintext", "[pickle]") {
  const std::string stream = message({{"a;k=v", "K\x02"}, {"b", "Fnan\n"}, {"c d", "N"}}) +
                             "\0\0\0\x03(l."s + "\0\0\0\0"s + "\0\0\0\x02N."s +
                             message({{"e", "F0.5\n"}});
  const Feed feed = check_every_cut([] { return make_graphite_pickle_decoder({}); }, stream);
  CHECK(feed.records() == std::vector<Record>{{"a;k=v 2 1"},
                                              {"b nan 1", kFrameUnparsed},
                                              {"c d None 1", kFrameUnparsed},
                                              {"N.", kFrameUnparsed},
                                              {"e 0.5 1"}});
  CHECK(
      feed.events() ==
      Texts{
          R"({"name":"a","value":2,"tags":{"k":"v"},"timestamp":@1000000000})",
          R"({"error":"the value is no finite decimal number","error_offset":2,"message":"b nan 1"})",
          R"({"error":"a blank or a line end in the path","error_offset":1,"message":"c d None 1"})",
          R"({"error":"the pickle is no list","message":"N."})",
          R"({"name":"e","value":0.5,"timestamp":@1000000000})"});
  CHECK(feed.counts().empty == 2);
}

TEST_CASE("graphite_pickle: what is unparsed goes to the quarantine where the listener says so",
          "[pickle]") {
  Feed feed(make_graphite_pickle_decoder({.unparsed = Unparsed::kQuarantine}));
  feed.read(message({{"a\nb", "K\x02"}, {"c", "K\x02"}}));
  CHECK(feed.events() == Texts{R"({"name":"c","value":2,"timestamp":@1000000000})"});
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kUnparsed, "a\nb 2 1",
                                                 "at byte 1: a blank or a line end in the path"}});
}

TEST_CASE("graphite_pickle: an item that is no metric goes on beside the good ones", "[pickle]") {
  // [("a", (1, 2)), ("b", (1, 2), 3), ("c", (1, 2**63))]
  const std::string pickle =
      "\x80\x02](U\x01"
      "aK\x01K\x02\x86\x86U\x01"
      "bK\x01K\x02\x86K\x03\x87U\x01"
      "cK\x01\x8a\x09\0\0\0\0\0\0\0\x80\0\x86\x86"
      "e."s;
  Feed feed(make_graphite_pickle_decoder({}));
  feed.read("\0\0\0"s + static_cast<char>(pickle.size()) + pickle);
  CHECK(feed.events() ==
        Texts{R"({"name":"a","value":2,"timestamp":@1000000000})",
              R"_({"error":"no (path, (time, value))","message":"('b', (1, 2), 3)"})_",
              R"({"name":"c","value":9223372036854775808,"timestamp":@1000000000})"});
}

TEST_CASE("graphite_pickle: a length over the maximum is passed over, and the stream goes on",
          "[pickle]") {
  Feed feed(make_graphite_pickle_decoder({.max_frame_bytes = 64, .oversize = Oversize::kDrop}));
  feed.read("\0\0\x01\0"s + std::string(256, 'x') + message({{"c", "K\x02"}}));
  CHECK(feed.events() == Texts{R"({"name":"c","value":2,"timestamp":@1000000000})"});
  CHECK(feed.refusals().size() == 1);
}

TEST_CASE("graphite_pickle: a length of 4 GiB waits for nothing and keeps nothing", "[pickle]") {
  Feed feed(make_graphite_pickle_decoder({.max_frame_bytes = 1024}));
  feed.read("\xff\xff\xff\xff"s + std::string(100'000, '('));
  CHECK(feed.longest_tail() < 2048);
  CHECK(feed.counts().unparsed == 1);
  CHECK(feed.counts().cut_bytes == 100'000 - 1024);
}

TEST_CASE("graphite_pickle: what the stream's end leaves unfinished is unparsed", "[pickle]") {
  Feed feed(make_graphite_pickle_decoder({}));
  feed.read("\0\0\0\x09(l."s);
  feed.end(EndReason::kFin);
  CHECK(feed.events() == Texts{R"({"error":"the pickle is not whole","message":"(l."})"});
}
