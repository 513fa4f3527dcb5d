// Every framing, oversize, tail, cause and place of the input, against a model that knows the messages, not the bytes.
#include <catch2/catch.hpp>

#include "protocols/framed/decoder.h"
#include "protocols/raw/decoder.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::size_t kMax = 12;

struct Expected {
  std::vector<Record> records;
  std::vector<Refusal> refusals;
  FrameCounts counts;
  bool closed = false;
};

std::uint64_t& at(std::array<std::uint64_t, kReasonCount>& by_reason, Reason reason) {
  return by_reason[static_cast<std::size_t>(reason)];
}

std::string encode(Framing framing, const std::string& message) {
  if (framing == Framing::kOctetCounted) return std::to_string(message.size()) + ' ' + message;
  // syslog_auto: counts and lines in turn, by the message's length.
  if (framing == Framing::kSyslogAuto && message.size() % 2 == 1)
    return std::to_string(message.size()) + ' ' + message;
  return message + (framing == Framing::kNul ? '\0' : '\n');
}

bool counted(Framing framing, const std::string& message) {
  return framing == Framing::kOctetCounted ||
         (framing == Framing::kSyslogAuto && message.size() % 2 == 1);
}

void expect_record(Expected& e, const std::string& bytes, std::uint8_t flags) {
  e.records.push_back({bytes, flags});
  e.counts.in_frames_bytes += bytes.size();
  ++e.counts.frames;
  ++e.counts.decoded;
  ++e.counts.events;
  e.counts.truncated += (flags & kFrameTruncated) != 0;
  e.counts.partial += (flags & kFramePartial) != 0;
}

void expect_refusal(Expected& e, Reason reason, const std::string& bytes, bool quarantined) {
  if (quarantined) e.refusals.push_back({reason, bytes});
  ++e.counts.frames;
  ++at(e.counts.rejected, reason);
  at(e.counts.discarded_bytes, reason) += bytes.size();
}

void expect_message(Expected& e, const FramingOptions& o, const std::string& message) {
  const std::size_t overhead = encode(o.framing, message).size() - message.size();
  if (e.closed) {
    at(e.counts.discarded_bytes, Reason::kOversize) += message.size() + overhead;
    return;
  }
  if (message.empty()) {
    ++e.counts.frames;
    ++e.counts.empty;
    e.counts.framing_bytes += overhead;
    return;
  }
  if (message.size() <= kMax) {
    e.counts.framing_bytes += overhead;
    return expect_record(e, message, kFrameWhole);
  }
  const std::size_t rest = message.size() - kMax;
  if (o.oversize == Oversize::kTruncate) {
    expect_record(e, message.substr(0, kMax), kFrameTruncated);
    e.counts.cut_bytes += rest;
    e.counts.framing_bytes += overhead;
    return;
  }
  expect_refusal(e, Reason::kOversize, message.substr(0, kMax), true);
  at(e.counts.discarded_bytes, Reason::kOversize) += rest;
  e.closed = o.oversize == Oversize::kClose;
  // After a close the delimiter is discarded with the rest; a count stands before the frame and was read already.
  if (e.closed && !counted(o.framing, message))
    at(e.counts.discarded_bytes, Reason::kOversize) += overhead;
  else
    e.counts.framing_bytes += overhead;
}

void expect_tail(Expected& e, const FramingOptions& o, EndReason cause, std::size_t header,
                 const std::string& record) {
  if (e.closed) {
    at(e.counts.discarded_bytes, Reason::kOversize) += header + record.size();
    return;
  }
  constexpr Reason reasons[] = {Reason::kTailFin,       Reason::kTailReset,
                                Reason::kTailTimeout,   Reason::kTailDeadline,
                                Reason::kPartialBudget, Reason::kUndecodable};
  e.counts.framing_bytes += header;
  if (record.empty()) return;
  const bool deliver =
      o.tail == Tail::kDeliver || (o.tail == Tail::kAuto && cause == EndReason::kFin);
  if (deliver) return expect_record(e, record, kFramePartial);
  expect_refusal(e, reasons[static_cast<int>(cause)], record, o.tail != Tail::kDrop);
}

}  // namespace

TEST_CASE(
    "raw: every combination of framing, oversize, tail, cause and place does what the options say",
    "[raw]") {
  const auto framing =
      GENERATE(Framing::kNewline, Framing::kNul, Framing::kOctetCounted, Framing::kSyslogAuto);
  const auto oversize = GENERATE(Oversize::kTruncate, Oversize::kDrop, Oversize::kClose);
  const auto tail = GENERATE(Tail::kAuto, Tail::kDeliver, Tail::kQuarantine, Tail::kDrop);
  const auto place = GENERATE(Place::kBlock, Place::kOutside);
  const FramingOptions options{
      .framing = framing, .max_frame_bytes = kMax, .oversize = oversize, .tail = tail};
  const std::vector<std::vector<std::string>> streams = {
      {},
      // The empty one follows a line: behind a counted frame it would be the LF that belongs to that.
      {"<1>one", "<2>two22", "", "<4>12345678", "<5>123456789"},
      {"<1>a", "<2>a longer one", "<3>b", "<4>and one more too long by far, even", "<5>end"},
      {"<only oversize>"},
  };
  const std::vector<std::string> tails = {"", "<9>tail", "<9>123456789"};
  for (const auto& messages : streams) {
    for (const std::string& record : tails) {
      for (const EndReason cause :
           {EndReason::kFin, EndReason::kReset, EndReason::kTimeout, EndReason::kDeadline,
            EndReason::kPartialBudget, EndReason::kUndecodable}) {
        const std::string header = framing == Framing::kOctetCounted ? "99 " : "";
        std::string bytes;
        Expected expected;
        for (const std::string& message : messages) {
          if (message.empty() && framing == Framing::kOctetCounted)
            continue;  // the grammar has no empty frame
          bytes += encode(framing, message);
          expect_message(expected, options, message);
        }
        bytes += header + record;
        expect_tail(expected, options, cause, header.size(), record);
        // "99 " is over the maximum: with 12 bytes of it there it would be oversize, not a tail.
        if (framing == Framing::kOctetCounted && record.size() >= kMax) continue;

        CAPTURE(int(framing), int(oversize), int(tail), int(place), int(cause), bytes);
        for (std::size_t cut = 0; cut <= bytes.size() + 1; ++cut) {
          CAPTURE(cut);
          Feed feed(make_raw_decoder(options), place);
          if (cut <= bytes.size())
            feed.read_cut(bytes, {cut});
          else
            feed.read_bytewise(bytes);
          // Feed plays the connection: what it reads after the decoder has closed it counts as malformed.
          feed.end(cause);
          REQUIRE(feed.records() == expected.records);
          REQUIRE(feed.refusals() == expected.refusals);
          REQUIRE((feed.why() != nullptr) == expected.closed);
          FrameCounts got = feed.counts();
          if (expected.closed) {
            at(got.discarded_bytes, Reason::kOversize) +=
                at(got.discarded_bytes, Reason::kMalformed);
            at(got.discarded_bytes, Reason::kMalformed) = 0;
          }
          REQUIRE(same(got, expected.counts));
          REQUIRE(feed.longest_tail() <= kMax + kFramedExtraBytes);
        }
      }
    }
  }
}
