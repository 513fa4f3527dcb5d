#include "protocols/json/tokens.h"

#include <simdjson.h>

#include <algorithm>
#include <bit>

#include "protocols/core/check.h"
#include "protocols/core/utf8.h"

namespace penstock {
namespace {

constexpr std::size_t kLeastTokenBytes = std::size_t{16} << 10;
constexpr std::size_t kKeptTokenBytes = std::size_t{1} << 20;

/// The first control character inside a string, or the quote that opens the string which does not end.
std::size_t bad_string_at(std::string_view text) noexcept {
  std::size_t opened = std::string_view::npos;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool inside = opened != std::string_view::npos;
    if (text[at] == '"')
      opened = inside ? std::string_view::npos : at;
    else if (inside && static_cast<unsigned char>(text[at]) < 0x20)
      return at;
    else if (inside && text[at] == '\\')
      ++at;
  }
  return opened;
}

Problem problem_of(simdjson::error_code code, std::string_view text) noexcept {
  switch (code) {
    case simdjson::EMPTY: return {"invalid JSON: there is none", text.size()};
    case simdjson::UTF8_ERROR: return {"invalid JSON: not UTF-8", valid_utf8_prefix(text)};
    case simdjson::UNESCAPED_CHARS:
      return {"invalid JSON: a control character in a string", bad_string_at(text)};
    case simdjson::UNCLOSED_STRING:
      return {"invalid JSON: a string does not end", bad_string_at(text)};
    default: return {simdjson::error_message(code)};
  }
}

}  // namespace

JsonTokens::JsonTokens() noexcept = default;
JsonTokens::~JsonTokens() = default;

Problem JsonTokens::find(std::string_view text) {
  count_ = 0;
  text_ = text;
  if (text.size() > capacity_ || (capacity_ > kKeptTokenBytes && text.size() <= kKeptTokenBytes))
    make_room(std::bit_ceil(std::max(text.size(), kLeastTokenBytes)));
  const auto code = stage_->stage1(reinterpret_cast<const std::uint8_t*>(text.data()), text.size(),
                                   simdjson::stage1_mode::regular);
  if (code != simdjson::SUCCESS) return problem_of(code, text);
  offsets_ = stage_->structural_indexes.get();
  count_ = stage_->n_structural_indexes;
  return {};
}

void JsonTokens::make_room(std::size_t bytes) {
  constexpr std::size_t kNoDepth = 1;  // the first stage has none
  stage_.reset();
  PENSTOCK_CHECK(simdjson::get_active_implementation()->create_dom_parser_implementation(
                     bytes, kNoDepth, stage_) == simdjson::SUCCESS);
  capacity_ = bytes;
}

}  // namespace penstock
