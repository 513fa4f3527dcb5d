#include "protocols/compression/zstd_frame.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

using Status = ZstdHeader::Status;

constexpr std::string_view kFrameMagic("\x28\xb5\x2f\xfd", 4);
constexpr std::string_view kSkippableMagic("\x50\x2a\x4d\x18", 4);  // its first byte 50 to 5f
constexpr unsigned kSkippableMask = 0xf0;

unsigned byte_at(std::string_view input, std::size_t at) noexcept {
  return static_cast<unsigned char>(input[at]);
}

std::uint64_t little_endian(std::string_view bytes) noexcept {
  std::uint64_t value = 0;
  for (std::size_t at = bytes.size(); at-- > 0;) value = value << 8 | byte_at(bytes, at);
  return value;
}

/// Whether `input` begins like a frame of either kind, as far as it goes.
Status match_magic(std::string_view input) noexcept {
  if (input.empty()) return Status::kNeedsMore;
  const std::string_view front = input.substr(0, kFrameMagic.size());
  const bool frame = kFrameMagic.starts_with(front);
  const bool skippable = (byte_at(front, 0) & kSkippableMask) == byte_at(kSkippableMagic, 0) &&
                         kSkippableMagic.substr(1).starts_with(front.substr(1));
  if (!frame && !skippable) return Status::kNone;
  if (front.size() < kFrameMagic.size()) return Status::kNeedsMore;
  return frame ? Status::kFrame : Status::kSkippable;
}

}  // namespace

ZstdHeader parse_zstd_header(std::string_view input) noexcept {
  if (const Status magic = match_magic(input); magic != Status::kFrame) return {.status = magic};
  if (input.size() == kFrameMagic.size()) return {.status = Status::kNeedsMore};
  const unsigned descriptor = byte_at(input, kFrameMagic.size());
  const bool single_segment = (descriptor & 0x20) != 0;
  constexpr std::array<std::size_t, 4> kDictionaryIdBytes = {0, 1, 2, 4};
  constexpr std::array<std::size_t, 4> kContentSizeBytes = {0, 2, 4, 8};
  std::size_t size_bytes = kContentSizeBytes[descriptor >> 6];
  if (size_bytes == 0 && single_segment) size_bytes = 1;
  const std::size_t window_at = kFrameMagic.size() + 1;
  const std::size_t size_at =
      window_at + (single_segment ? 0 : 1) + kDictionaryIdBytes[descriptor & 3];
  if (input.size() < size_at + size_bytes) return {.status = Status::kNeedsMore};
  std::optional<std::uint64_t> content;
  if (size_bytes != 0)
    content = little_endian(input.substr(size_at, size_bytes)) + (size_bytes == 2 ? 256 : 0);
  if (single_segment) return {Status::kFrame, *content, content};
  const unsigned window = byte_at(input, window_at);
  const std::uint64_t base = std::uint64_t{1} << (10 + (window >> 3));
  return {Status::kFrame, base + base / 8 * (window & 7), content};
}

}  // namespace penstock
