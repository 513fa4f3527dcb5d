#include "protocols/lumberjack/frame.h"

namespace penstock::lumberjack {
namespace {

constexpr std::size_t kNumberBytes = 4;
constexpr std::size_t kHeadBytes = 2 + kNumberBytes;
constexpr std::size_t kEventHeadBytes = kHeadBytes + kNumberBytes;

std::uint32_t number_at(std::string_view input, std::size_t at) noexcept {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < kNumberBytes; ++i)
    number = number << 8 | static_cast<unsigned char>(input[at + i]);
  return number;
}

FrameScan malformed(const char* why, std::size_t at) noexcept {
  return {FrameScan::Status::kMalformed, 0, {why, at}};
}
FrameScan too_long(const char* why, std::size_t at) noexcept {
  return {FrameScan::Status::kTooLong, 0, {why, at}};
}
FrameScan need(std::size_t bytes) noexcept { return {FrameScan::Status::kNeedMore, bytes, {}}; }

/// A frame of a known length behind its head.
FrameScan with_body(std::string_view input, std::size_t head_bytes, std::size_t body_bytes,
                    Frame& frame) noexcept {
  const std::size_t bytes = head_bytes + body_bytes;
  if (input.size() < bytes) return need(bytes);
  frame.body = input.substr(head_bytes, body_bytes);
  return {FrameScan::Status::kWhole, bytes, {}};
}

/// Goes from length to length, for only they tell where the pairs end.
FrameScan scan_pairs(std::string_view input, const FrameLimits& limits, Frame& frame) noexcept {
  if (input.size() < kEventHeadBytes) return need(kEventHeadBytes);
  const std::uint32_t pairs = number_at(input, kHeadBytes);
  if (pairs > limits.max_pairs) return too_long("more pairs than lumberjack.max_pairs", kHeadBytes);
  std::size_t at = kEventHeadBytes;
  for (std::size_t texts = std::size_t{pairs} * 2; texts != 0; --texts) {
    if (input.size() < at + kNumberBytes) return need(at + kNumberBytes);
    const std::uint32_t bytes = number_at(input, at);
    if (bytes > limits.max_event_bytes || at + bytes > limits.max_event_bytes)
      return too_long("an event longer than max_frame_bytes", at);
    at += kNumberBytes + bytes;
  }
  return with_body(input, kEventHeadBytes, at - kEventHeadBytes, frame);
}

FrameScan scan_json(std::string_view input, const FrameLimits& limits, Frame& frame) noexcept {
  if (input.size() < kEventHeadBytes) return need(kEventHeadBytes);
  const std::uint32_t bytes = number_at(input, kHeadBytes);
  if (bytes > limits.max_event_bytes)
    return too_long("an event longer than max_frame_bytes", kHeadBytes);
  return with_body(input, kEventHeadBytes, bytes, frame);
}

}  // namespace

FrameScan scan_frame(std::string_view input, const FrameLimits& limits, Frame& frame) noexcept {
  if (input.empty()) return need(1);
  if (input[0] != '1' && input[0] != '2') return malformed("a version that is neither 1 nor 2", 0);
  frame.version = input[0];
  if (input.size() < 2) return need(2);
  if (std::string_view("WDJCA").find(input[1]) == std::string_view::npos)
    return malformed("a type that is none of W, D, J and C", 1);
  if (input.size() < kHeadBytes) return need(kHeadBytes);
  frame.type = static_cast<Frame::Type>(input[1]);
  frame.number = number_at(input, 2);
  frame.body = {};
  switch (frame.type) {
    case Frame::Type::kAck: return malformed("an acknowledgement, which only the server sends", 1);
    case Frame::Type::kWindow: break;
    case Frame::Type::kData: return scan_pairs(input, limits, frame);
    case Frame::Type::kJson:
      if (frame.version == '1') return malformed("JSON in version 1", 1);
      return scan_json(input, limits, frame);
    case Frame::Type::kCompressed:
      if (frame.number > limits.max_compressed_bytes)
        return too_long("a compressed frame longer than lumberjack.max_decompressed_bytes", 2);
      return with_body(input, kHeadBytes, frame.number, frame);
  }
  return {FrameScan::Status::kWhole, kHeadBytes, {}};
}

std::string_view Pairs::take() noexcept {
  const std::string_view text = rest_.substr(kNumberBytes, number_at(rest_, 0));
  rest_.remove_prefix(kNumberBytes + text.size());
  return text;
}

bool Pairs::next(std::string_view& key, std::string_view& value) noexcept {
  if (rest_.empty()) return false;
  key = take();
  value = take();
  return true;
}

std::string ack(char version, std::uint32_t sequence) {
  std::string frame = {version, 'A'};
  for (unsigned shift = 32; shift != 0;)
    frame += static_cast<char>(sequence >> (shift -= 8) & 0xff);
  return frame;
}

}  // namespace penstock::lumberjack
