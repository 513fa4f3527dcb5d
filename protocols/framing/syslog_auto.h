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
  explicit SyslogAutoFramer(std::size_t max_frame_bytes) noexcept : line_(max_frame_bytes), count_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept {
    if (mode_ == Mode::kUndecided && !decide(input)) return {};
    const FrameResult result = mode_ == Mode::kLine ? line_.next(input) : count_.next(input);
    if (result.consumed != 0 && !skipping()) mode_ = Mode::kUndecided;
    return result;
  }

  /// How many of the unconsumed bytes have been looked at for good.
  std::size_t scanned() const noexcept;
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept { return line_.skipping() || count_.skipping(); }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended.
  /// Digits alone are a line that has just begun, not a count.
  std::size_t tail_front(std::string_view tail) const noexcept {
    return mode_ == Mode::kCount ? count_.tail_front(tail) : 0;
  }
  std::size_t tail_back(std::string_view tail) const noexcept { return mode_ == Mode::kCount ? 0 : line_.tail_back(tail); }

 private:
  enum class Mode : std::uint8_t { kUndecided, kLine, kCount };
  bool decide(std::string_view input) noexcept;

  NewlineFramer line_;
  OctetCountedFramer count_;
  Mode mode_ = Mode::kUndecided;
  std::uint8_t digits_ = 0;  // digits seen at the front while undecided
};

}  // namespace penstock
