#include "server/sinks/raw_encoder.h"

#include <catch2/catch.hpp>

#include "tests/sinks/batches.h"

using namespace penstock;
using config::Newlines;

namespace {

const Origin kOrigin{"l", "udp://127.0.0.1:1"};

std::string encoded(const RawEncoder& encoder, const Batch& batch) {
  EncodeBuffer buffer;
  std::string out;
  for (const Segment& segment : batch.segments) {
    std::size_t at = segment.first;
    const std::size_t last = segment.first + segment.count;
    while (at < last) {
      buffer.clear();
      at = encoder.encode(batch, segment, at, last, buffer);
      out.append(buffer.data(), buffer.size());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("raw encoding: what becomes of a LF inside a record", "[sinks][encoding]") {
  auto [frame, escape, replace, keep] =
      GENERATE(table<std::string, std::string, std::string, std::string>({
          {"abc", "abc\n", "abc\n", "abc\n"},
          {"a\nb", "a\\nb\n", "a b\n", "a\nb\n"},
          {"a\n\nb", "a\\n\\nb\n", "a  b\n", "a\n\nb\n"},
          {"a\n", "a\n", "a\n", "a\n\n"},
          {"a\n\n", "a\\n\n", "a \n", "a\n\n\n"},
          {"\na", "\\na\n", " a\n", "\na\n"},
          {"\n", "\n", "\n", "\n\n"},
          {"", "\n", "\n", "\n"},
          {"C:\\new\r", "C:\\new\r\n", "C:\\new\r\n", "C:\\new\r\n"},
          {std::string("\0\xff\0", 3), std::string("\0\xff\0\n", 4), std::string("\0\xff\0\n", 4),
           std::string("\0\xff\0\n", 4)},
      }));
  CAPTURE(frame);
  const Batch batch = test::BatchBuilder().opaque(kOrigin, {}, 0, {frame, frame}).take();
  const auto check = [&, f = batch.frames.size()](Newlines newlines, const std::string& expected) {
    const RawEncoder encoder(newlines);
    CHECK(encoded(encoder, batch) == expected + expected);
    for (std::size_t at = 0; at < f; ++at)
      CHECK(encoder.encoded_bytes(batch, batch.segments[0], at) == expected.size());
  };
  check(Newlines::kEscape, escape);
  check(Newlines::kReplace, replace);
  check(Newlines::kKeep, keep);
}

TEST_CASE("raw encoding: a record larger than the buffer goes through whole", "[sinks][encoding]") {
  const std::string large = std::string(600'000, 'x') + std::string(300'000, '\n') + "y";
  std::string expected = std::string(600'000, 'x');
  for (int at = 0; at < 300'000; ++at) expected += "\\n";
  expected += "y\n";
  const Batch batch = test::BatchBuilder(std::size_t{4} << 20)
                          .opaque(kOrigin, {}, 0, {"small", large, "small"})
                          .take();
  CHECK(encoded(RawEncoder(Newlines::kEscape), batch) == "small\n" + expected + "small\n");
}
