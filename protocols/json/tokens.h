#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "protocols/core/problem.h"

namespace simdjson::internal {
class dom_parser_implementation;
}

namespace penstock {

/// Where the tokens of a JSON text begin: brackets, commas, colons, strings and other words, as simdjson's first stage
/// finds them at some GB/s. It has also seen that all of it is UTF-8, that strings end, and that no control character
/// stands in one; the order of the tokens, escapes, numbers and words are for who reads them.
///
/// Holds four bytes for each byte of the longest text, and gives them back behind one of more than 1 MiB.
class JsonTokens {
 public:
  JsonTokens() noexcept;
  ~JsonTokens();

  /// `text` stays where it is as long as the tokens are asked for. Nothing behind it is read.
  Problem find(std::string_view text);

  std::size_t count() const noexcept { return count_; }
  /// Offset of token `at`; the text's size for count().
  std::size_t begin(std::size_t at) const noexcept { return offsets_[at]; }
  /// First byte of token `at`; NUL behind the last one.
  char kind(std::size_t at) const noexcept { return at < count_ ? text_[offsets_[at]] : '\0'; }
  /// All of token `at`, without the blanks behind it.
  std::string_view token(std::size_t at) const noexcept;

 private:
  void make_room(std::size_t bytes);

  std::unique_ptr<simdjson::internal::dom_parser_implementation> stage_;
  std::string_view text_;
  const std::uint32_t* offsets_ = nullptr;
  std::size_t count_ = 0;
  std::size_t capacity_ = 0;
};

inline std::string_view JsonTokens::token(std::size_t at) const noexcept {
  std::size_t end = offsets_[at + 1];
  const std::size_t begin = offsets_[at];
  while (end > begin + 1) {
    const char last = text_[end - 1];
    if (last != ' ' && last != '\n' && last != '\r' && last != '\t') break;
    --end;
  }
  return text_.substr(begin, end - begin);
}

}  // namespace penstock
