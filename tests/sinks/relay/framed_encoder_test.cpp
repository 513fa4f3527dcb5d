#include "server/sinks/relay/framed_encoder.h"

#include <catch2/catch.hpp>

#include <string>
#include <tuple>

#include "tests/sinks/batches.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const Origin kOrigin{"one", "tcp://127.0.0.1:1"};

config::Sink sink_with(FrameForm form, config::Encoding encoding = config::Encoding::kRaw) {
  config::Sink sink{.name = "out", .type = config::SinkType::kRelay, .encoding = encoding};
  sink.newlines = config::Newlines::kKeep;
  sink.relay.form = std::move(form);
  return sink;
}

Batch opaque(const std::vector<std::string>& records) {
  return BatchBuilder().opaque(kOrigin, {}, 0, records).take();
}

std::string encoded(const Encoder& encoder, const Batch& batch) {
  EncodeBuffer out;
  std::size_t bytes = 0;
  for (const Segment& segment : batch.segments) {
    const std::size_t end = std::size_t{segment.first} + segment.count;
    CHECK(encoder.encode(batch, segment, segment.first, end, out) == end);
    for (std::size_t at = segment.first; at < end; ++at)
      bytes += encoder.encoded_bytes(batch, segment, at);
  }
  CHECK(bytes == out.size());
  return std::string(out.data(), out.size());
}

FrameForm with_length(std::uint8_t bytes) {
  FrameForm form(SendFraming::kLengthPrefixed);
  form.length.bytes = bytes;
  return form;
}

FrameForm with_delimiter(const std::string& delimiter) {
  FrameForm form(SendFraming::kDelimiter);
  form.delimiter = delimiter;
  return form;
}

FrameForm of_size(std::size_t size) {
  FrameForm form(SendFraming::kFixed);
  form.frame_bytes = size;
  return form;
}

}  // namespace

TEST_CASE("framed encoder: each framing's form of a record, and what it cannot carry",
          "[relay][framing]") {
  using namespace std::string_literals;
  const auto [form, wire, missing] = GENERATE(table<FrameForm, std::string, std::size_t>(
      {{SendFraming::kNewline, "abc\nx\0y\n"s, 1},
       {SendFraming::kCrlf, "abc\r\nx\0y\r\n"s, 1},
       {SendFraming::kNul, "abc\0d\ne\0"s, 2},
       {SendFraming::kOctetCounted, "3 abc3 d\ne3 x\0y"s, SIZE_MAX},
       {SendFraming::kSyslogAuto, "3 abc3 d\ne3 x\0y"s, SIZE_MAX},
       {SendFraming::kVarint, "\3abc\3d\ne\3x\0y"s, SIZE_MAX},
       {SendFraming::kNone, "abcd\nex\0y"s, SIZE_MAX},
       {with_length(2), "\0\3abc\0\3d\ne\0\3x\0y"s, SIZE_MAX},
       {with_delimiter("bc"), "d\nebcx\0ybc"s, 0},
       {of_size(3), "abcd\nex\0y"s, SIZE_MAX}}));
  const FramedEncoder encoder(sink_with(form), Carrier::kStream);
  const Batch batch = opaque({"abc", "d\ne", "x\0y"s});
  CHECK(encoded(encoder, batch) == wire);
  for (std::size_t at = 0; at < batch.frames.size(); ++at)
    CHECK(encoder.encodes(batch, at) == (at != missing));
  const auto lost = unencodable(encoder, batch);
  REQUIRE(lost.size() == (missing == SIZE_MAX ? 0 : 1));
  if (!lost.empty()) {
    CHECK(lost[0].frames.first == missing);
    CHECK(lost[0].frames.count == 1);
    CHECK(lost[0].loss == RouteLoss::kUnencodable);
  }
}

TEST_CASE("framed encoder: a length field that is too small, a fixed frame of another size",
          "[relay][framing]") {
  const FramedEncoder one_byte(sink_with(with_length(1)), Carrier::kStream);
  const Batch batch = opaque({std::string(255, 'a'), std::string(256, 'b')});
  CHECK(one_byte.encodes(batch, 0));
  CHECK_FALSE(one_byte.encodes(batch, 1));
  const FramedEncoder fixed(sink_with(of_size(256)), Carrier::kStream);
  CHECK_FALSE(fixed.encodes(batch, 0));
  CHECK(fixed.encodes(batch, 1));
}

TEST_CASE("framed encoder: a message is the record and nothing else, whatever is in it",
          "[relay][framing]") {
  const FramedEncoder encoder(sink_with(SendFraming::kOctetCounted), Carrier::kMessages);
  const Batch batch = opaque({"a\nb\n"});
  CHECK(encoder.encodes_all());
  CHECK_FALSE(encoder.keeps_lines());
  CHECK(encoded(encoder, batch) == "a\nb\n");
}

TEST_CASE("framed encoder: a counted record that ends in LF gets another one for the receiver",
          "[relay][framing]") {
  const FramedEncoder encoder(sink_with(SendFraming::kOctetCounted), Carrier::kStream);
  CHECK(encoded(encoder, opaque({"ab\n"})) == "4 ab\n\n");
}

TEST_CASE("framed encoder: JSON without its line's end, in any framing", "[relay][framing]") {
  const Batch batch = opaque({"a\nb"});
  const FramedEncoder lines(sink_with(SendFraming::kNewline, config::Encoding::kJson),
                            Carrier::kStream);
  const FramedEncoder counted(sink_with(SendFraming::kOctetCounted, config::Encoding::kJson),
                              Carrier::kStream);
  const std::string line = encoded(lines, batch);
  CHECK(lines.encodes_all());
  CHECK(line.back() == '\n');
  const std::string object = line.substr(0, line.size() - 1);
  CHECK(object.find(R"("message":"a\nb")") != std::string::npos);
  CHECK(encoded(counted, batch) == std::to_string(object.size()) + ' ' + object);
}

TEST_CASE("framed encoder: lines that lie as they go out are not copied", "[relay][framing]") {
  const FramedEncoder newline(sink_with(SendFraming::kNewline), Carrier::kStream);
  const FramedEncoder counted(sink_with(SendFraming::kOctetCounted), Carrier::kStream);
  CHECK(newline.keeps_lines());
  CHECK_FALSE(counted.keeps_lines());
  config::Sink escaping = sink_with(SendFraming::kNewline);
  escaping.newlines = config::Newlines::kEscape;
  const FramedEncoder escaped(escaping, Carrier::kStream);
  CHECK(escaped.encodes_all());
  CHECK(encoded(escaped, opaque({"d\ne"})) == "d\\ne\n");
}
