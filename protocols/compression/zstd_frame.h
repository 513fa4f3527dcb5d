#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

/// Most bytes of a frame's header, magic number included.
inline constexpr std::size_t kMaxZstdHeaderBytes = 18;

/// The header of a zstd frame (RFC 8878 section 3.1.1.1), as far as one must know it before a decompressor allocates
/// what it asks for. The library has this only in the part of its interface that may change.
struct ZstdHeader {
  enum class Status : std::uint8_t {
    kNeedsMore,  ///< `input` is a beginning of a header
    kFrame,      ///< with `window_bytes` and `content_bytes`
    kSkippable,  ///< a frame without content
    kNone,       ///< neither
  };
  Status status = Status::kNone;
  /// How far back its matches may reach; as large as the peer says.
  std::uint64_t window_bytes = 0;
  /// What comes out of it; nullopt: it does not say.
  std::optional<std::uint64_t> content_bytes;
};

/// `input` starts where a frame should. At most kMaxZstdHeaderBytes are looked at.
ZstdHeader parse_zstd_header(std::string_view input) noexcept;

}  // namespace penstock
