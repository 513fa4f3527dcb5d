#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/compression/compress.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Events = std::vector<std::string>;

namespace {

Events events_of_stream(const std::string& bytes) {
  Feed feed(make_forward());
  feed.open();
  REQUIRE(feed.read(bytes));
  CHECK(feed.tail().empty());
  return feed.events();
}

/// PackedForward, `payload` compressed.
std::string compressed(std::string_view payload, std::string_view coding) {
  return "\x93" + text("t") + bin(payload) + "\x81" + text("compressed") + text(coding);
}

}  // namespace

TEST_CASE("forward: each mode gives its events", "[forward]") {
  CHECK(events_of_stream(kMessageInt) == Events{kEvent});
  CHECK(events_of_stream(kMessageChunk) == Events{event("1441588984000000005")});
  CHECK(events_of_stream(kForward) == Events{kEvent, kNextEvent});
  CHECK(events_of_stream(kPacked) == Events{kEvent, kNextEvent});
  CHECK(events_of_stream(kMessageInt + kForward + kPacked + kMessageInt).size() == 6);
}

TEST_CASE("forward: packed entries as a text, as old clients send them", "[forward]") {
  CHECK(events_of_stream("\x92" + text("t") + text(kEntry)) == Events{kEvent});
  CHECK(events_of_stream("\x92" + text("t") + "\xda"s + bin(kEntry).substr(1)) == Events{kEvent});
}

TEST_CASE("forward: entries of version 1.5, in every mode", "[forward]") {
  CHECK(events_of_stream("\x92" + text("t") + bin(kEntryNew)) == Events{kEvent});
  CHECK(events_of_stream("\x92" + text("t") + "\x91" + kEntryNew) == Events{kEvent});
  CHECK(events_of_stream("\x93" + text("t") + kEntryNew.substr(1)) == Events{kEvent});
  const std::string metadata =
      kEntryNew.substr(0, 12) + "\x81" + text("a") + "\x01" + kEntryNew.substr(13);
  CHECK(
      events_of_stream("\x92" + text("t") + bin(metadata)) ==
      Events{
          R"({"tag":"t","timestamp":@1441588984000000000,"metadata":{"a":1},"fields":{"k":"v"}})"});
}

TEST_CASE("forward: compressed entries, several members and frames behind each other",
          "[forward]") {
  const std::string second = from_hex("92 ce 55 ec e6 f9 81 a1 6b a1 76");
  for (const auto& [coding, name] :
       {std::pair{Coding::kGzip, "gzip"}, std::pair{Coding::kZstd, "zstd"}}) {
    CAPTURE(name);
    const std::string one = compress(coding, kEntry + second);
    CHECK(events_of_stream(compressed(one, name)) == Events{kEvent, kNextEvent});
    const std::string two = compress(coding, kEntry) + compress(coding, second);
    CHECK(events_of_stream(compressed(two, name)) == Events{kEvent, kNextEvent});
    // A member may end inside an entry.
    const std::string cut =
        compress(coding, kEntry.substr(0, 5)) + compress(coding, kEntry.substr(5) + second);
    CHECK(events_of_stream(compressed(cut, name)) == Events{kEvent, kNextEvent});
  }
  CHECK(events_of_stream(compressed(kEntry, "text")) == Events{kEvent});
}

TEST_CASE("forward: times", "[forward]") {
  const auto with_time = [](const std::string& time) {
    return events_of_stream("\x93" + text("t") + time + "\x81\xa1k\xa1v");
  };
  const Events none = {R"({"tag":"t","fields":{"k":"v"}})"};
  CHECK(with_time("\x00"s) == none);
  CHECK(with_time("\xc0") == none);
  CHECK(with_time("\xd7\x00"s + std::string(8, '\0')) == none);
  CHECK(with_time("\xcf\xff\xff\xff\xff\xff\xff\xff\xff") == none);   // 64 bits of seconds
  CHECK(with_time("\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00"s) == none);  // NaN
  CHECK(with_time("\xcb\x7f\xf0\x00\x00\x00\x00\x00\x00"s) == none);  // infinity
  CHECK(with_time("\xc7\x08\x00\x55\xec\xe6\xf8\x00\x00\x00\x05"s) ==
        Events{event("1441588984000000005")});
  CHECK(with_time("\xcb\x41\xd5\x7b\x39\xbe\x20\x00\x00"s) == Events{event("1441588984500000000")});
  // fluent-logger's option `milliseconds`, and Python's emit_with_time
  CHECK(with_time("\xcb\x42\x78\xbc\xfe\x56\x87\xb0\x00"s) == Events{event("1700000000123000000")});
  CHECK(with_time("\xcf\x00\x00\x01\x8b\xcf\xe5\x68\x7b"s) == Events{event("1700000000123000000")});
  CHECK(with_time("\xd7\x00\x55\xec\xe6\xf8\x3b\x9a\xca\x00"s) == none);  // 10^9 ns
  CHECK(with_time("\xff") == Events{event("-1000000000")});
}

TEST_CASE("forward: every type of value keeps what it is", "[forward]") {
  const std::string record =
      "\x8e\xa1"
      "a\xc0\xa1"
      "b\xc3\xa1"
      "c\xff\xa1"
      "d\xcf\xff\xff\xff\xff\xff\xff\xff\xff\xa1"
      "e\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xa1"
      "f\xca\x3f\x80\x00\x00\xa1"
      "g\xc4\x02\x00\xff\xa1"
      "h\x92\x01\x91\x80\xa1"
      "i\x81\xa1x\x81\xa1y\x02\xa1"
      "j\xd7\x00\x00\x00\x00\x01\x00\x00\x00\x02\xa1"
      "k\xd6\xff\x00\x00\x00\x01\xa1"
      "l\xd4\x07\x2a\x07\xa1n\xff\xa0"s;
  CHECK(events_of_stream("\x93" + text("t") + "\x01" + record) ==
        Events{R"({"tag":"t","timestamp":@1000000000,"fields":{"a":null,"b":true,"c":-1,)"
               R"("d":18446744073709551615,"e":1.5,"f":1.0,"g":#00ff,"h":[1,[{}]],)"
               R"("i":{"x":{"y":2}},"j":@1000000002,"k":@1000000000,"l":#2a,"7":"n","-1":""}})"});
}

TEST_CASE("forward: keys that are no texts", "[forward]") {
  const std::string record =
      "\x84\xc0\x01\xc3\x02\xc2\x03\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\x04"s;
  CHECK(events_of_stream("\x93" + text("t") + "\x01" + record) ==
        Events{R"({"tag":"t","timestamp":@1000000000,"fields":{"null":1,"true":2,"false":3,)"
               R"("1.5":4}})"});
}

TEST_CASE("forward: an EventTime that is none stays bytes in a record", "[forward]") {
  CHECK(events_of_stream("\x93" + text("t") + "\x01\x81\xa1j\xd7\x00"s +
                         "\x00\x00\x00\x01\x3b\x9a\xca\x00"s) ==
        Events{R"({"tag":"t","timestamp":@1000000000,"fields":{"j":#000000013b9aca00}})"});
}

TEST_CASE("forward: a group of Fluent Bit is its records alone", "[forward]") {
  const auto marker = [](const std::string& seconds) {
    return "\x92\x92\xd7\x00"s + seconds + std::string(4, '\0') + "\x81\xa1" + "a\x01\x81\xa1" +
           "b\x02";
  };
  const std::string begin = marker("\xff\xff\xff\xff"), end = marker("\xff\xff\xff\xfe");
  const std::string group = begin + kEntryNew + kEntryNew + end;
  for (const std::string& bytes :
       {"\x92" + text("t") + bin(group), "\x92" + text("t") + "\x94" + group}) {
    Feed feed(make_forward());
    REQUIRE(feed.read(bytes));
    CHECK(feed.events() == Events{kEvent, kEvent});
    CHECK(feed.counts().empty == 2);
  }
  Feed single(make_forward());
  REQUIRE(single.read("\x93" + text("t") + begin.substr(1)));
  CHECK(single.events().empty());
  CHECK(single.counts().empty == 1);
}

TEST_CASE("forward: options that are nil are absent", "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read("\x93" + text("t") + bin(kEntry) + "\x83" + text("chunk") + "\xc0" +
                    text("fluent_signal") + "\xc0" + text("compressed") + "\xc0"));
  CHECK(feed.events() == Events{kEvent});
  CHECK_FALSE(feed.waits_for_completion());
}

TEST_CASE("forward: the frame of an event is a message that can be sent again", "[forward]") {
  const auto bytes = GENERATE_COPY(values<std::string>(
      {kMessageInt, kMessageChunk, kForward, kPacked, "\x92" + text("t") + bin(kEntryNew),
       compressed(compress(Coding::kGzip, kEntry), "gzip")}));
  Feed first(make_forward());
  REQUIRE(first.read(bytes));
  Feed again(make_forward());
  for (const Record& record : first.records()) REQUIRE(again.read(record.bytes));
  CHECK(again.events() == first.events());
  CHECK(again.records() == first.records());
}

TEST_CASE("forward: heartbeats are no records", "[forward]") {
  CHECK(events_of_stream("\xc0") == Events{});
  CHECK(events_of_stream("\x90") == Events{});
  CHECK(events_of_stream("\xc0\x90" + kMessageInt + "\xc0") == Events{kEvent});
  Feed none(make_forward());
  none.open();
  none.end(EndReason::kFin);
  CHECK(none.records().empty());
}

TEST_CASE("forward: a datagram of one byte 00 is answered with the same", "[forward]") {
  Feed feed(make_forward());
  feed.datagram("\0"s);
  CHECK(feed.sent() == "\0"s);
  feed.datagram("\x01");
  feed.datagram("\0\0"s);
  feed.datagram("\0"s, 2);
  feed.datagram("");
  CHECK(feed.sent() == "\0"s);
  CHECK(feed.counts().rejected[static_cast<std::size_t>(Reason::kMalformed)] == 4);
}
