#pragma once

#include <string_view>

#include "protocols/core/problem.h"

namespace penstock {

/// U+FEFF in UTF-8, as some senders put it in front of a text (RFC 3629 section 6).
inline constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

/// What `parse(std::string_view)` makes of `text` less a mark in front of it. A problem stands at its byte of `text`.
template <class Parse>
Problem parse_behind_mark(std::string_view text, Parse&& parse) {
  const std::size_t mark = text.starts_with(kByteOrderMark) ? kByteOrderMark.size() : 0;
  Problem problem = parse(text.substr(mark));
  if (problem && problem.at != Problem::kNowhere) problem.at += mark;
  return problem;
}

}  // namespace penstock
