#include "protocols/influx/value.h"

#include <array>
#include <charconv>
#include <cmath>

#include "protocols/core/decimal.h"

namespace penstock::influx {
namespace {

bool is_escape(std::string_view text, std::size_t at) noexcept {
  return text[at] == '\\' && at + 1 < text.size() && (text[at + 1] == '"' || text[at + 1] == '\\');
}

/// The opening quote is taken.
Problem parse_text(Scanner& in, std::string_view name, std::string& unescaped,
                   FieldWriter& fields) {
  const std::size_t begin = in.at();
  const std::string_view rest = in.rest();
  std::size_t at = 0;
  bool escapes = false;
  for (; at < rest.size() && rest[at] != '"'; ++at) {
    if (!is_escape(rest, at)) continue;
    escapes = true;
    ++at;
  }
  if (at == rest.size()) return {"the text has no closing quote", begin};
  const std::string_view text = rest.substr(0, at);
  in.skip(at + 1);
  if (!escapes) {
    fields.string(name, text);
    return {};
  }
  unescaped.clear();
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_escape(text, i)) ++i;
    unescaped += text[i];
  }
  fields.string(name, unescaped);
  return {};
}

bool parse_truth(std::string_view word, bool& value) noexcept {
  constexpr std::array<std::string_view, 5> kTrue = {"t", "T", "true", "True", "TRUE"};
  constexpr std::array<std::string_view, 5> kFalse = {"f", "F", "false", "False", "FALSE"};
  for (std::size_t at = 0; at < kTrue.size(); ++at) {
    value = word == kTrue[at];
    if (value || word == kFalse[at]) return true;
  }
  return false;
}

template <class Number>
bool parse_integer(std::string_view digits, Number& value) noexcept {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size();
}

Problem parse_number(std::string_view token, std::size_t place, std::string_view name,
                     FieldWriter& fields) {
  const std::string_view digits = token.substr(0, token.size() - 1);
  if (token.back() == 'i') {
    std::int64_t value = 0;
    if (!parse_integer(digits, value)) return {"no integer of 64 bits before the `i`", place};
    fields.integer(name, value);
    return {};
  }
  if (token.back() == 'u') {
    std::uint64_t value = 0;
    if (!parse_integer(digits, value))
      return {"no integer of 64 bits without sign before the `u`", place};
    fields.unsigned_integer(name, value);
    return {};
  }
  Decimal number;
  if (!parse_decimal(token, number))
    return {"the value is no finite decimal number, no truth value and no quoted text", place};
  const double sign = token.front() == '-' ? -1 : 1;  // which `-0`, an integer, has lost
  fields.real(name, std::copysign(number.as_real(), sign));
  return {};
}

std::string_view take_token(Scanner& in) noexcept {
  const std::string_view rest = in.rest();
  std::size_t at = 0;
  while (at < rest.size() && rest[at] != ',' && rest[at] != ' ') ++at;
  in.skip(at);
  return rest.substr(0, at);
}

}  // namespace

Problem parse_value(Scanner& in, std::string_view name, std::string& unescaped,
                    FieldWriter& fields) {
  const std::size_t begin = in.at();
  if (in.take('"')) return parse_text(in, name, unescaped, fields);
  const std::string_view token = take_token(in);
  if (token.empty()) return {"the field has no value", begin};
  bool truth = false;
  if (!parse_truth(token, truth)) return parse_number(token, begin, name, fields);
  fields.boolean(name, truth);
  return {};
}

}  // namespace penstock::influx
