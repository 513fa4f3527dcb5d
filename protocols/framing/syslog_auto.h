#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/octet_counted.h"

namespace penstock {

/// Syslog over a stream as senders do it, mixed even on one connection (RFC 6587 section 3.4): decided anew for each
/// frame. One to eight digits without leading zero and a blank are an octet count, anything else begins a line that
/// ends with LF. `2024-01-01 ...` is a line, and so is `123456789 ...`; `10 green bottles` would be read as a count.
/// Never malformed. Limits and leniencies are those of NewlineFramer and OctetCountedFramer.
class SyslogAutoFramer {
 public:
  static constexpr std::size_t kExtraBytes = OctetCountedFramer::kExtraBytes;

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit SyslogAutoFramer(std::size_t max_frame_bytes) noexcept
      : line_(max_frame_bytes), count_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been looked at for good.
  std::size_t scanned() const noexcept;
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return line_.skipping() || count_.skipping(); }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended.
  /// Digits alone are a line that has just begun, not a count.
  std::size_t tail_front(std::string_view tail) const noexcept { return count_.tail_front(tail); }
  std::size_t tail_back(std::string_view tail) const noexcept {
    return in_count() ? 0 : line_.tail_back(tail);
  }

 private:
  enum class Kind : std::uint8_t { kUnknown, kLine, kCount };
  Kind decide(std::string_view input) noexcept;

  // A frame that has begun shows in its framer's state: no third record of it to keep in step.
  bool in_line() const noexcept { return line_.scanned() != 0 || line_.skipping(); }
  bool in_count() const noexcept { return count_.scanned() != 0 || count_.skipping(); }

  NewlineFramer line_;
  OctetCountedFramer count_;
  std::uint8_t digits_ = 0;  // digits seen at the front of a frame of unknown kind
};

// Always inline, as the line framer it stands on. Most lines begin with `<`: one comparison decides them.
[[gnu::always_inline]] inline FrameResult SyslogAutoFramer::next(std::string_view input) noexcept {
  if (in_count()) return count_.next(input);
  if (!in_line()) {
    if (input.starts_with('<'))
      count_.forget_lf();
    else if (const Kind kind = decide(input); kind != Kind::kLine)
      return kind == Kind::kCount ? count_.next(input) : FrameResult{};
  }
  return line_.next(input);
}

}  // namespace penstock
