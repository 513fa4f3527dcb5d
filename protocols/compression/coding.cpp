#include "protocols/compression/coding.h"

#include <array>

#include "protocols/compression/zstd_frame.h"

namespace penstock {
namespace {

constexpr std::string_view kGzipMagic("\x1f\x8b", 2);

/// Is `front` a beginning of a header, or does it begin with one.
enum class Match : std::uint8_t { kNo, kPartly, kYes };

Match match(std::string_view front, std::string_view magic) noexcept {
  if (front.size() >= magic.size()) return front.starts_with(magic) ? Match::kYes : Match::kNo;
  return magic.starts_with(front) ? Match::kPartly : Match::kNo;
}

bool is_text(unsigned byte) noexcept {
  return (byte >= 0x20 && byte < 0x7f) || (byte >= '\t' && byte <= '\r');
}

/// CMF and FLG (RFC 1950 section 2.2): method 8, window at most 32 KiB, no preset dictionary, a multiple of 31.
Match match_zlib(std::string_view front) noexcept {
  constexpr unsigned kUsual = 0x78, kDictionary = 0x20;
  const unsigned cmf = static_cast<unsigned char>(front[0]);
  if ((cmf & 0x0f) != 8 || cmf > kUsual) return Match::kNo;
  if (front.size() == 1) return Match::kPartly;
  const unsigned flg = static_cast<unsigned char>(front[1]);
  if ((cmf * 256 + flg) % 31 != 0 || (flg & kDictionary) != 0) return Match::kNo;
  return cmf == kUsual || !is_text(flg) ? Match::kYes : Match::kNo;
}

Match match_zstd(std::string_view front) noexcept {
  switch (parse_zstd_header(front).status) {
    case ZstdHeader::Status::kNeedsMore:
      return front.size() > kMaxUndecidedBytes ? Match::kYes : Match::kPartly;
    case ZstdHeader::Status::kFrame:
    case ZstdHeader::Status::kSkippable: return Match::kYes;
    case ZstdHeader::Status::kNone: break;
  }
  return Match::kNo;
}

std::optional<Coding> detect(std::string_view front) noexcept {
  if (front.empty()) return std::nullopt;
  struct Candidate {
    Coding coding;
    Match match;
  };
  const std::array<Candidate, 3> candidates = {{{Coding::kGzip, match(front, kGzipMagic)},
                                                {Coding::kZlib, match_zlib(front)},
                                                {Coding::kZstd, match_zstd(front)}}};
  bool undecided = false;
  for (const Candidate& candidate : candidates) {
    if (candidate.match == Match::kYes) return candidate.coding;
    undecided = undecided || candidate.match == Match::kPartly;
  }
  return undecided ? std::nullopt : std::optional(Coding::kPlain);
}

}  // namespace

std::string_view to_string(Coding coding) noexcept {
  constexpr std::array<std::string_view, 4> names = {"plain", "gzip", "zlib", "zstd"};
  return names[static_cast<std::size_t>(coding)];
}

std::optional<Coding> detect_coding(ContentEncoding expected, std::string_view front) noexcept {
  switch (expected) {
    case ContentEncoding::kNone: return Coding::kPlain;
    case ContentEncoding::kGzip: return Coding::kGzip;
    case ContentEncoding::kZlib: return Coding::kZlib;
    case ContentEncoding::kZstd: return Coding::kZstd;
    case ContentEncoding::kAuto: break;
  }
  return detect(front);
}

}  // namespace penstock
