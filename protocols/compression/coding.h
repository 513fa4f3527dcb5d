#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock {

/// How bytes are compressed.
enum class Coding : std::uint8_t {
  kPlain,  ///< not at all
  kGzip,   ///< members, one behind the other (RFC 1952)
  kZlib,   ///< the same of RFC 1950
  kZstd,   ///< frames, skippable ones too (RFC 8878)
};
std::string_view to_string(Coding coding) noexcept;

/// What a listener expects: one coding, or whatever the first bytes say.
enum class ContentEncoding : std::uint8_t { kNone, kAuto, kGzip, kZlib, kZstd };

/// The coding that `expected` names; for kAuto what `front`, the first bytes of a stream or a whole message, begin
/// like. nullopt: that is a beginning of several, at most kMaxUndecidedBytes bytes long.
///
/// zlib has no magic number, only a header with a check of five bits. Text passes it by chance, so it is taken for zlib
/// only where the header is the usual one of a 32 KiB window (0x78), or its second byte is none that text has. What is
/// left are texts that begin with `x^`.
std::optional<Coding> detect_coding(ContentEncoding expected, std::string_view front) noexcept;
inline constexpr std::size_t kMaxUndecidedBytes = 3;

}  // namespace penstock
