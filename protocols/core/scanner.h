#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/problem.h"

namespace penstock {

/// A place in one frame, for parsers by hand: looks at bytes, never beyond the end, and remembers where it was.
class Scanner {
 public:
  explicit Scanner(std::string_view frame) noexcept : frame_(frame) {}

  std::size_t at() const noexcept { return at_; }
  bool done() const noexcept { return at_ == frame_.size(); }
  std::string_view rest() const noexcept { return frame_.substr(at_); }
  std::string_view frame() const noexcept { return frame_; }
  /// From `begin` to here.
  std::string_view since(std::size_t begin) const noexcept {
    return frame_.substr(begin, at_ - begin);
  }

  /// The next byte; NUL at the end.
  char peek(std::size_t ahead = 0) const noexcept {
    return at_ + ahead < frame_.size() ? frame_[at_ + ahead] : '\0';
  }
  bool is(char byte) const noexcept { return at_ < frame_.size() && frame_[at_] == byte; }
  bool take(char byte) noexcept {
    if (!is(byte)) return false;
    ++at_;
    return true;
  }
  bool take(std::string_view text) noexcept {
    if (!rest().starts_with(text)) return false;
    at_ += text.size();
    return true;
  }
  void skip(std::size_t bytes) noexcept { at_ += bytes; }
  void skip_all(char byte) noexcept {
    while (is(byte)) ++at_;
  }
  void back_to(std::size_t at) noexcept { at_ = at; }

  /// Up to the next `byte` (not taken), or the end.
  std::string_view until(char byte) noexcept {
    const std::size_t begin = at_, found = frame_.find(byte, at_);
    at_ = found == std::string_view::npos ? frame_.size() : found;
    return since(begin);
  }

  /// One to `most` digits as a number; false, and nothing taken, where there is none, or one more follows. `most` is at
  /// most 9.
  bool number(unsigned most, unsigned& value) noexcept {
    const std::size_t begin = at_;
    unsigned sum = 0;
    while (at_ < frame_.size() && is_digit(frame_[at_])) {
      if (at_ - begin == most) {
        at_ = begin;
        return false;
      }
      sum = sum * 10 + static_cast<unsigned>(frame_[at_++] - '0');
    }
    if (at_ == begin) return false;
    value = sum;
    return true;
  }
  /// Exactly `count` digits; what follows may be one more.
  bool digits(unsigned count, unsigned& value) noexcept {
    unsigned sum = 0;
    for (unsigned i = 0; i < count; ++i) {
      if (!is_digit(peek(i))) return false;
      sum = sum * 10 + static_cast<unsigned>(peek(i) - '0');
    }
    at_ += count;
    value = sum;
    return true;
  }

  /// ASCII only: bytes above 0x7f are none.
  static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
  static bool is_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  }

  Problem problem(const char* why) const noexcept { return {why, at_}; }

 private:
  std::string_view frame_;
  std::size_t at_ = 0;
};

}  // namespace penstock
