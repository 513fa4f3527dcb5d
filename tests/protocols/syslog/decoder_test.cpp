#include "protocols/syslog/decoder.h"

#include <zlib.h>
#include <catch2/catch.hpp>

#include "tests/protocols/syslog/parsed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const FramingOptions kAuto{.framing = Framing::kSyslogAuto};

std::string zipped(std::string_view text) {
  std::string out(compressBound(text.size()), '\0');
  uLongf size = out.size();
  REQUIRE(compress(reinterpret_cast<Bytef*>(out.data()), &size,
                   reinterpret_cast<const Bytef*>(text.data()), text.size()) == Z_OK);
  return 'z' + out.substr(0, size);
}

/// `text` and what it needs for the last two bytes of its checksum, 1 and the sum of all bytes, to be those of `end`.
std::string ending_in(std::string text, std::string_view end) {
  const unsigned wanted =
      static_cast<unsigned char>(end[0]) * 256u + static_cast<unsigned char>(end[1]);
  unsigned sum = 1;
  for (const char c : text) sum += static_cast<unsigned char>(c);
  for (; wanted - sum > 2 * 'z'; sum += 'z') text += 'z';
  const unsigned half = (wanted - sum) / 2;
  text += static_cast<char>(half);
  text += static_cast<char>(wanted - sum - half);
  return text;
}

std::string framed(std::string_view message) {
  return std::to_string(message.size()) + ' ' + std::string(message);
}

std::uint64_t rejected(const Feed& feed, Reason reason) {
  return feed.counts().rejected[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("syslog: both forms, counts and lines, in one connection", "[syslog]") {
  const std::string bytes = "<13>1 - h a - - - one\n" + framed("<13>h: two\nlines") +
                            "<13>su[1]: three\r\n" + framed("<13>1 - - - - - - four\n") + "five";
  const std::vector<std::string> expected = {
      R"({"facility":1,"severity":5,"host":"h","app":"a","message":"one"})",
      R"({"facility":1,"severity":5,"app":"h","message":"two\x0alines"})",
      R"({"facility":1,"severity":5,"app":"su","procid":"1","message":"three"})",
      R"({"facility":1,"severity":5,"message":"four"})", R"({"message":"five"})"};
  for (const Place place : {Place::kBlock, Place::kOutside}) {
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
      CAPTURE(cut);
      Feed feed(make_syslog_decoder(kAuto, {}), place);
      feed.read_cut(bytes, {cut});
      feed.end(EndReason::kFin);
      REQUIRE(feed.events() == expected);
    }
    Feed feed(make_syslog_decoder(kAuto, {}), place);
    feed.read_bytewise(bytes);
    feed.end(EndReason::kFin);
    REQUIRE(feed.events() == expected);
    CHECK(feed.records().back() == Record{"five", kFramePartial});
  }
}

TEST_CASE("syslog: messages that end with NUL, or LF and NUL, as Python and Perl write them",
          "[syslog]") {
  using namespace std::string_literals;
  const auto bytes = GENERATE(values<std::string>({
      "<13>su[1]: one\n\0<13>1 - h a - - - two\n\0"s,  // Perl's Sys::Syslog
      "<13>su[1]: one\0<13>1 - h a - - - two\0"s,      // Python's SysLogHandler
      "<13>su[1]: one\0\n<13>1 - h a - - - two\0\n"s,
  }));
  const std::vector<std::string> expected = {
      R"({"facility":1,"severity":5,"app":"su","procid":"1","message":"one"})",
      R"({"facility":1,"severity":5,"host":"h","app":"a","message":"two"})"};
  for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
    CAPTURE(cut);
    Feed feed(make_syslog_decoder(kAuto, {}));
    feed.read_cut(bytes, {cut});
    CHECK(feed.events() == expected);  // nothing waits for what follows
    feed.end(EndReason::kFin);
    CHECK(feed.events() == expected);
  }
  Feed lines(make_syslog_decoder({}, {}));
  lines.read("<13>su[1]: one\n\0<13>1 - h a - - - two\n\0"s);
  lines.end(EndReason::kFin);
  CHECK(lines.events() == expected);
  CHECK(lines.counts().empty == 1);
}

TEST_CASE("syslog: messages that end with NUL are not held to be one that is too long",
          "[syslog]") {
  std::string bytes;
  for (int i = 0; i < 5000; ++i)
    bytes.append("<14>message ").append(std::to_string(i)).append(1, '\0');
  Feed feed(make_syslog_decoder(kAuto, {}));
  feed.read(bytes);
  CHECK(feed.events().size() == 5000);
  CHECK(feed.events().back() == R"({"facility":1,"severity":6,"message":"message 4999"})");
}

TEST_CASE("syslog: a count in a datagram is framing where it counts the rest exactly", "[syslog]") {
  Feed feed(make_syslog_decoder(kAuto, {}));
  for (const std::string_view datagram :
       {"7 <13>one", "8 <13>two", "18446744073709551625 <13>three", "3 four"})
    feed.datagram(datagram);
  CHECK(feed.records() ==
        std::vector<Record>{
            {"<13>one"}, {"8 <13>two"}, {"18446744073709551625 <13>three"}, {"3 four"}});
}

TEST_CASE("syslog: a count in a datagram may count the line's end that is taken off", "[syslog]") {
  Feed feed(make_syslog_decoder(kAuto, {}));
  feed.datagram("39 <13>Nov 30 12:39:16 vm tag: ends in lf\n");  // logger --udp --octet-count
  feed.datagram("8 <13>one\n");
  feed.datagram("7 <13>two\n");
  feed.datagram("9 <13>six\r\n");
  feed.datagram("9 <13>ten\n");
  CHECK(feed.records() == std::vector<Record>{{"<13>Nov 30 12:39:16 vm tag: ends in lf"},
                                              {"<13>one"},
                                              {"<13>two"},
                                              {"<13>six"},
                                              {"9 <13>ten"}});
}

TEST_CASE("syslog: what is not parsed goes on, or to the quarantine with the reason", "[syslog]") {
  const std::string bad = "<200>1 - - - - - - x";
  Feed deliver(make_syslog_decoder(kAuto, {}));
  deliver.read(bad + '\n');
  CHECK(deliver.records() == std::vector<Record>{{bad, kFrameUnparsed}});
  CHECK(deliver.counts().unparsed == 1);
  CHECK(deliver.noted() == std::vector<std::string>{"at byte 1: the priority is above 191"});
  FramingOptions framing = kAuto;
  framing.unparsed = Unparsed::kQuarantine;
  Feed refuse(make_syslog_decoder(framing, {}));
  refuse.read(bad + "\n<13>good\n");
  CHECK(refuse.refusals() ==
        std::vector<Refusal>{{Reason::kUnparsed, bad, "at byte 1: the priority is above 191"}});
  CHECK(refuse.records() == std::vector<Record>{{"<13>good"}});
}

TEST_CASE("syslog: what is wrong with a message that was cut is that it was cut", "[syslog]") {
  const FramingOptions framing{.framing = Framing::kSyslogAuto, .max_frame_bytes = 28};
  const std::string params = R"(<13>1 - h a - - [abcdefghijklmnop="q"])",
                    text = "<13>1 - h a - - - 1234567890abc", bad = "<13>1 - h a - - [a",
                    packed = zipped(text + text);
  REQUIRE(packed.size() > 28);
  Feed feed(make_syslog_decoder(framing, {}));
  feed.read(params + '\n' + text + '\n' + bad + '\n');
  feed.datagram(packed);
  CHECK(feed.events() ==
        std::vector<std::string>{
            R"({"error":"cut off at max_frame_bytes","message":")" + params.substr(0, 28) + R"("})",
            R"({"facility":1,"severity":5,"host":"h","app":"a","message":"1234567890"})",
            R"({"error":"no ] behind an element of the structured data","error_offset":18,)"
            R"("message":")" +
                bad + R"("})"});
  CHECK(feed.noted().back() == "cut off at max_frame_bytes");
}

TEST_CASE("syslog: one form for all messages", "[syslog]") {
  CHECK(parsed("<13>text", {.form = SyslogOptions::Form::k5424})
            .starts_with(R"({"error":"the version is not 1")"));
  CHECK(parsed("<13>1 - h a - - - m", {.form = SyslogOptions::Form::k3164}) ==
        R"({"facility":1,"severity":5,"message":"1 - h a - - - m"})");
}

TEST_CASE("syslog: compressed messages between plain ones", "[syslog]") {
  const std::string text = "<13>1 - h a - - - " + std::string(500, 'x');
  Feed feed(make_syslog_decoder(kAuto, {}));
  feed.read(framed(zipped(text)) + framed("<13>plain") + framed(zipped(text)));
  CHECK(feed.records() == std::vector<Record>{{text}, {"<13>plain"}, {text}});
  CHECK(feed.events()[0] == R"({"facility":1,"severity":5,"host":"h","app":"a","message":")" +
                                std::string(500, 'x') + "\"}");
  CHECK(feed.counts().compressed_bytes == 2 * zipped(text).size());
  CHECK(feed.counts().decompressed_bytes == 2 * text.size());
}

TEST_CASE("syslog: a compressed message whose last bytes are a line's end is whole", "[syslog]") {
  const std::string end = GENERATE(as<std::string>{}, "\r\n", " \n", "\n\n");
  const std::string text = ending_in("<13>1 - h a - - - xxx", end);
  const std::string message = zipped(text);
  REQUIRE(message.ends_with(end));
  const std::vector<Record> expected{{text}};
  Feed datagram(make_syslog_decoder(kAuto, {}));
  datagram.datagram(message);
  CHECK(datagram.records() == expected);
  CHECK(datagram.counts().compressed_bytes == message.size());
  Feed line(make_syslog_decoder(kAuto, {}));
  line.datagram(message + '\n');
  CHECK(line.records() == expected);
  const std::string counted = framed(message) + framed(message + '\n');
  for (std::size_t cut = 0; cut <= counted.size(); ++cut) {
    Feed stream(make_syslog_decoder(kAuto, {}));
    stream.read_cut(counted, {cut});
    CHECK(stream.records() == std::vector<Record>{{text}, {text}});
  }
}

TEST_CASE("syslog: a bomb of elements of structured data has no event", "[syslog]") {
  std::string text = "<13>1 - - - - - ";
  while (text.size() < 1'000'000) text += "[a]";
  Feed feed(make_syslog_decoder(kAuto, {}));
  feed.datagram(zipped(text));
  CHECK(feed.events()[0].starts_with(R"({"error":"more than 1024 parameters")"));
}

TEST_CASE("syslog: compressed messages that are none, and bombs", "[syslog]") {
  const std::string good = zipped(std::string(2000, 'x'));
  Feed feed(make_syslog_decoder(kAuto, {.max_decompressed_bytes = 1999}));
  feed.datagram(good);
  CHECK(rejected(feed, Reason::kDecompressLimit) == 1);
  CHECK(feed.noted() == std::vector<std::string>{"more than syslog.max_decompressed_bytes"});
  Feed broken(make_syslog_decoder(kAuto, {}));
  broken.datagram(good.substr(0, good.size() - 1));
  broken.datagram("zx garbage");
  broken.datagram(good + "x");
  broken.datagram(good + "xyz");
  const std::vector<std::string> why = {"it ends in the middle", "a byte behind its end",
                                        "bytes behind the end that are no further member"};
  CHECK(rejected(broken, Reason::kUndecodable) == why.size());
  CHECK(broken.noted() == why);
  CHECK(broken.records() == std::vector<Record>{{"zx garbage"}});
  Feed off(make_syslog_decoder(kAuto, {.decompress = false}));
  off.datagram(good);
  CHECK(off.records() == std::vector<Record>{{good}});
}
