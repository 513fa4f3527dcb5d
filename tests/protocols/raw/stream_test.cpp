#include <catch2/catch.hpp>

#include "protocols/raw/decoder.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;

namespace {

std::uint64_t count(const std::array<std::uint64_t, kReasonCount>& by_reason, Reason reason) {
  return by_reason[static_cast<std::size_t>(reason)];
}

}  // namespace

TEST_CASE("newline: lines become records, CR before LF is stripped, empty lines are counted",
          "[raw]") {
  Feed feed(make_raw_decoder({}));
  feed.read("one\ntw");
  feed.read("o\r\n\n\r\nthree\nta");
  CHECK(feed.records() == std::vector<Record>{{"one"}, {"two"}, {"three"}});
  CHECK(feed.counts().empty == 2);
  CHECK(feed.counts().framing_bytes == 7);
  CHECK(feed.tail() == "ta");
  feed.end(EndReason::kFin);
  CHECK(feed.records().back() == Record{"ta", kFramePartial});
}

TEST_CASE("raw: NUL bytes and invalid UTF-8 pass unchanged in every framing that can carry them",
          "[raw]") {
  const std::string odd = "<\0\xff\xc0\x80\x01>"s;
  for (const auto& [framing, bytes] : {std::pair{Framing::kNewline, odd + '\n'},
                                       {Framing::kSyslogAuto, odd + '\n'},
                                       {Framing::kOctetCounted, "7 " + odd},
                                       {Framing::kSyslogAuto, "7 " + odd}}) {
    Feed feed(make_raw_decoder({.framing = framing}));
    feed.read_bytewise(bytes);
    CHECK(feed.records() == std::vector<Record>{{odd}});
  }
}

TEST_CASE("newline: lines that lie together in the block can be written as one piece", "[raw]") {
  Feed feed(make_raw_decoder({}));
  feed.read("a\nbb\nccc\nhalf");
  feed.read(" and half\nx\n");
  CHECK(feed.lines());
  CHECK(feed.records().size() == 5);
  SECTION("not when a CR stands between") { feed.read("crlf\r\n"); }
  SECTION("not when an empty line stands between") { feed.read("\nx\n"); }
  SECTION("not when the last one has no LF") {
    feed.read("tail");
    feed.end(EndReason::kFin);
  }
  CHECK_FALSE(feed.lines());
}

TEST_CASE("newline: what lies outside the block is copied so that it can be written as one piece",
          "[raw]") {
  Feed feed(make_raw_decoder({}), Place::kOutside);
  feed.read("a\nb\r\n\n\nc\nta");
  feed.end(EndReason::kFin);
  CHECK(feed.records() == std::vector<Record>{{"a"}, {"b"}, {"c"}, {"ta", kFramePartial}});
  CHECK(feed.lines());
}

TEST_CASE("newline: the CR of a line whose LF never came is framing, as in Go's ScanLines",
          "[raw]") {
  Feed feed(make_raw_decoder({}));
  feed.read("abc\r");
  feed.end(EndReason::kFin);
  CHECK(feed.records() == std::vector<Record>{{"abc", kFramePartial}});
  CHECK(feed.counts().framing_bytes == 1);
}

TEST_CASE("raw: a tail of framing bytes alone is no frame", "[raw]") {
  for (const auto& [framing, tail] : {std::pair{Framing::kNewline, "\r"},
                                      {Framing::kOctetCounted, "1"},
                                      {Framing::kOctetCounted, "123 "},
                                      {Framing::kSyslogAuto, "123 "},
                                      {Framing::kSyslogAuto, "\r"}}) {
    CAPTURE(tail);
    Feed feed(make_raw_decoder({.framing = framing}));
    feed.read(tail);
    feed.end(EndReason::kReset);
    CHECK(feed.counts().frames == 0);
    CHECK(feed.refusals().empty());
    CHECK(feed.counts().framing_bytes == std::string_view(tail).size());
  }
}

TEST_CASE("octet counting: the count of an unfinished frame is framing, its bytes are the tail",
          "[raw]") {
  Feed feed(make_raw_decoder({.framing = Framing::kOctetCounted}));
  feed.read_bytewise("3 abc10 hello");
  feed.end(EndReason::kDeadline);
  CHECK(feed.records() == std::vector<Record>{{"abc"}});
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kTailDeadline, "hello"}});
  CHECK(feed.counts().framing_bytes == 5);
}

TEST_CASE("syslog_auto: digits without a blank at the end of a stream are a line", "[raw]") {
  Feed feed(make_raw_decoder({.framing = Framing::kSyslogAuto}));
  feed.read_bytewise("1234");
  feed.end(EndReason::kFin);
  CHECK(feed.records() == std::vector<Record>{{"1234", kFramePartial}});
}

TEST_CASE("syslog_auto: digits beyond a tiny maximum are cut at the end of a stream too", "[raw]") {
  Feed feed(make_raw_decoder({.framing = Framing::kSyslogAuto, .max_frame_bytes = 3}));
  feed.read_bytewise("12345");
  feed.end(EndReason::kFin);
  CHECK(feed.records() == std::vector<Record>{{"123", kFramePartial | kFrameTruncated}});
  CHECK(feed.counts().cut_bytes == 2);
}

TEST_CASE(
    "octet counting: a malformed stream is refused once, with its reason, and the rest discarded",
    "[raw]") {
  const auto place = GENERATE(Place::kBlock, Place::kOutside);
  Feed feed(make_raw_decoder({.framing = Framing::kOctetCounted, .max_frame_bytes = 8}), place);
  CHECK_FALSE(feed.read("3 abc<13>no count here\n"));
  CHECK(feed.why() == "no octet count where a frame must begin"s);
  CHECK_FALSE(feed.read("and more"));
  feed.end(EndReason::kFin);
  CHECK(feed.records() == std::vector<Record>{{"abc"}});
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kMalformed, "<13>no c"}});
  CHECK(count(feed.counts().rejected, Reason::kMalformed) == 1);
  CHECK(count(feed.counts().discarded_bytes, Reason::kMalformed) == 26);
}

TEST_CASE(
    "raw: a decoder that has given up discards whatever it is still handed, for the same reason",
    "[raw]") {
  const auto decoder = make_raw_decoder({.max_frame_bytes = 4, .oversize = Oversize::kClose});
  struct Nothing final : RejectHandler, Replies {
    void on_reject(Reason, std::string_view, const Problem&, const Segment&) override { ++rejects; }
    void send(std::string_view) override {}
    int rejects = 0;
  } nothing;
  Batch batch;
  batch.block = std::make_shared<Block>(1024);
  batch.segments.emplace_back();
  FrameCounts counts;
  BatchWriter writer(batch, batch.block->data(), counts, nothing);
  const Consumed first = decoder->on_bytes("ok\n123456", {}, writer, nothing);
  CHECK(first.bytes == 9);
  CHECK(first.why == "frame longer than max_frame_bytes"s);
  const Consumed second = decoder->on_bytes("789\nx\n", {}, writer, nothing);
  CHECK(second.bytes == 6);
  CHECK(second.why == first.why);
  CHECK(first.reason == Reason::kOversize);
  CHECK(second.reason == Reason::kOversize);
  decoder->on_end(EndReason::kFin, "t", writer);
  CHECK(count(counts.discarded_bytes, Reason::kOversize) == 13);
  CHECK(count(counts.rejected, Reason::kOversize) == 1);
  CHECK(nothing.rejects == 1);
  CHECK(batch.frames.size() == 1);
}

TEST_CASE("raw: oversize = close gives the same ledger however the stream is cut", "[raw]") {
  const auto framing =
      GENERATE(Framing::kNewline, Framing::kNul, Framing::kOctetCounted, Framing::kSyslogAuto);
  const auto stream = GENERATE(as<std::string>{}, "123456789\nmore\n", "4 good9 123456789and more",
                               "ok\r\n12345678\rmore\n", "99999999 and more and no end");
  CAPTURE(static_cast<int>(framing), stream);
  const FramingOptions options{
      .framing = framing, .max_frame_bytes = 8, .oversize = Oversize::kClose};
  Feed whole(make_raw_decoder(options));
  whole.read(stream);
  Feed bytewise(make_raw_decoder(options));
  bytewise.read_bytewise(stream);
  CHECK(whole.why() == bytewise.why());
  CHECK(whole.counts().discarded_bytes == bytewise.counts().discarded_bytes);
  CHECK(whole.counts().rejected == bytewise.counts().rejected);
  for (std::size_t cut = 1; cut < stream.size(); ++cut) {
    Feed pieces(make_raw_decoder(options));
    pieces.read_cut(stream, {cut});
    CHECK(pieces.counts().rejected == whole.counts().rejected);
    if (whole.counts().rejected[static_cast<std::size_t>(Reason::kOversize)] != 0)
      CHECK(same(pieces.counts(), whole.counts()));
  }
}

TEST_CASE("raw: an endless line is bounded in what is kept and in what is quarantined", "[raw]") {
  Feed feed(make_raw_decoder({.max_frame_bytes = 1000, .oversize = Oversize::kDrop}));
  const std::string piece(777, 'x');
  for (int i = 0; i < 5000; ++i) feed.read(piece);
  CHECK(feed.longest_tail() <= 1002);
  feed.read("\nnext\n");
  CHECK(feed.records() == std::vector<Record>{{"next"}});
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kOversize, std::string(1000, 'x')}});
  CHECK(count(feed.counts().discarded_bytes, Reason::kOversize) == 777u * 5000);
}

TEST_CASE("raw: a stream that ends while an oversize frame is passed over leaves no tail",
          "[raw]") {
  for (const Framing framing : {Framing::kNewline, Framing::kOctetCounted, Framing::kSyslogAuto}) {
    Feed feed(make_raw_decoder({.framing = framing, .max_frame_bytes = 4}));
    feed.read(framing == Framing::kOctetCounted ? "20 abcdefgh" : "abcdefgh");
    CHECK(feed.tail().empty());
    feed.end(EndReason::kReset);
    CHECK(feed.records() == std::vector<Record>{{"abcd", kFrameTruncated}});
    CHECK(feed.refusals().empty());
    CHECK(feed.counts().cut_bytes == 4);
  }
}

TEST_CASE("raw: two million empty lines and a million short ones are counted, not kept", "[raw]") {
  Feed feed(make_raw_decoder({}));
  const std::string empties(1 << 16, '\n');
  for (int i = 0; i < 32; ++i) feed.read(empties);
  CHECK(feed.counts().empty == std::uint64_t{32} << 16);
  CHECK(feed.records().empty());
}
