#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/find_byte.h"

namespace penstock::influx {

/// Finds lines of the line protocol: they end with LF, where a CR before it is stripped too, but not with a LF inside a
/// quoted text. A quote opens one only right behind the `=` of a field, and `\"` does not close it: see parse_line.
///
/// A line may hold `max_frame_bytes` bytes, CR and LF not counted. A longer one is kTruncated as soon as that is certain;
/// what follows is kSkipping up to the line's end, so that no LF in a text of it makes lines of that text. For that, up to
/// `max_frame_bytes` bytes more are read as parts of the line; behind those any LF ends it: a quote that nobody closed must
/// not swallow the stream.
class LineFramer {
 public:
  static constexpr std::size_t kExtraBytes = 2;  ///< CR and LF

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit LineFramer(std::size_t max_frame_bytes) noexcept : max_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been looked at; they are not looked at again.
  std::size_t scanned() const noexcept { return walked_; }
  bool skipping() const noexcept { return skipping_; }
  /// How many quotes close the text that the unconsumed bytes end in: 0 where they end in none, 2 behind a backslash, which
  /// escapes the first.
  std::size_t closing_quotes() const noexcept;

  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view tail) const noexcept {
    return !skipping_ && tail.ends_with('\r') ? 1 : 0;
  }

 private:
  /// Where in a line the next byte stands.
  enum class At : std::uint8_t {
    kBegin,        ///< before the measurement: only blanks so far
    kKey,          ///< in the measurement or the tags
    kField,        ///< before or in a field's name
    kValue,        ///< right behind `=`
    kString,       ///< in quotes
    kEscaped,      ///< in quotes, behind a backslash
    kBehindValue,  ///< in a number or a truth value, or right behind a text
    kRest,  ///< in the timestamp, in a comment, or in what cannot be parsed: no quote opens here
  };

  std::size_t walk(std::string_view input) noexcept;
  std::size_t pass(std::string_view line, std::size_t at) noexcept;
  bool is_escaped(std::string_view line, std::size_t at) const noexcept;
  std::size_t pass_to(std::string_view line, std::size_t at, char byte, At then) noexcept;
  std::size_t pass_string(std::string_view window, std::size_t at) noexcept;
  FrameResult whole(std::string_view input, std::size_t lf) noexcept;
  void begin_line() noexcept;
  FrameResult truncated(std::string_view input) noexcept;
  FrameResult skip(std::string_view input) noexcept;

  std::size_t max_;
  std::size_t walked_ = 0;
  At at_ = At::kBegin;
  bool holds_lf_ = false;
  bool skipping_ = false;
  bool behind_backslash_ = false;  // skipping: the last byte that was consumed is one
  std::size_t read_more_ = 0;      // skipping: bytes in which a text may hold LF
};

}  // namespace penstock::influx
