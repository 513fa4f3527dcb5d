#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"
#include "protocols/framing/newline.h"
#include "protocols/framing/octet_counted.h"
#include "protocols/framing/syslog_nul.h"

namespace penstock {

/// Syslog over a stream as senders do it, mixed even on one connection (RFC 6587 section 3.4): decided anew for each
/// frame. One to eight digits without leading zero and a blank are an octet count, anything else begins a line that
/// ends with LF. `2024-01-01 ...` is a line, and so is `123456789 ...`; `10 green bottles` would be read as a count.
/// Never malformed. Limits and leniencies are those of NewlineFramer and OctetCountedFramer.
///
/// Python's SysLogHandler ends each message with NUL, and Perl's Sys::Syslog with LF and NUL, or with NUL alone where the
/// text has a LF anywhere. How a connection begins decides about all of it: where its first message has a priority, a NUL
/// ends a line as a LF does, and
///
/// - a NUL behind a LF, or a message with a priority behind a NUL, says that NUL alone ends messages (SyslogNulFramer);
/// - a message with a priority, or a count, behind a LF; anything else behind a NUL; or a first message that has no
///   priority say that there are counts and lines. A NUL is then a byte like others.
///
/// Nothing waits for this to be decided: messages end where they end in either case.
class SyslogAutoFramer {
 public:
  static constexpr std::size_t kExtraBytes = OctetCountedFramer::kExtraBytes;
  static_assert(kExtraBytes >= SyslogNulFramer::kExtraBytes);

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit SyslogAutoFramer(std::size_t max_frame_bytes) noexcept
      : line_(max_frame_bytes), count_(max_frame_bytes), nul_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// How many of the unconsumed bytes have been looked at for good.
  std::size_t scanned() const noexcept;
  /// The rest of a truncated frame is being passed over.
  bool skipping() const noexcept {
    return line_.skipping() || count_.skipping() || nul_.skipping();
  }

  /// Framing bytes at the front and at the back of `tail`, the unconsumed input of a stream that has ended.
  /// Digits alone are a line that has just begun, not a count.
  std::size_t tail_front(std::string_view tail) const noexcept { return count_.tail_front(tail); }
  std::size_t tail_back(std::string_view tail) const noexcept;

 private:
  enum class Kind : std::uint8_t { kUnknown, kLine, kCount };
  Kind decide(std::string_view input) noexcept;

  /// What the connection is found to be.
  enum class Sender : std::uint8_t { kUnknown, kLinesAndCounts, kNul };
  enum class Start : std::uint8_t { kUnknown, kPriority, kDigit, kNul, kOther };
  static Start start_of(std::string_view input) noexcept;
  Sender sender_by(Start start) const noexcept;
  FrameResult next_of_others(std::string_view input) noexcept;
  SyslogNulFramer::Ends ends() const noexcept {
    return sender_ == Sender::kNul ? SyslogNulFramer::Ends::kNul : SyslogNulFramer::Ends::kNulOrLf;
  }

  // A frame that has begun shows in its framer's state: no third record of it to keep in step.
  bool in_line() const noexcept { return line_.scanned() != 0 || line_.skipping(); }
  bool in_count() const noexcept { return count_.scanned() != 0 || count_.skipping(); }

  NewlineFramer line_;
  OctetCountedFramer count_;
  SyslogNulFramer nul_;
  std::uint8_t digits_ = 0;  // digits seen at the front of a frame of unknown kind
  Sender sender_ = Sender::kUnknown;
};

// Always inline, as the line framer it stands on. Most lines begin with `<`: one comparison decides them.
[[gnu::always_inline]] inline FrameResult SyslogAutoFramer::next(std::string_view input) noexcept {
  if (sender_ != Sender::kLinesAndCounts) [[unlikely]]
    return next_of_others(input);
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
