#pragma once

#include <string_view>

#include "protocols/core/scanner.h"

namespace penstock::graphite {

constexpr bool is_blank(char c) noexcept { return c == ' ' || c == '\t'; }

inline void skip_blanks(Scanner& in) noexcept {
  while (!in.done() && is_blank(in.peek())) in.skip(1);
}

/// The bytes up to the next blank or tab, those before it passed over. Empty at the end.
inline std::string_view take_word(Scanner& in) noexcept {
  skip_blanks(in);
  const std::size_t begin = in.at();
  while (!in.done() && !is_blank(in.peek())) in.skip(1);
  return in.since(begin);
}

/// Where a word of the line begins.
inline std::size_t place(const Scanner& in, std::string_view word) noexcept {
  return static_cast<std::size_t>(word.data() - in.frame().data());
}

}  // namespace penstock::graphite
