#include "protocols/graphite/pickle_metrics.h"

#include <array>
#include <charconv>

namespace penstock::graphite {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kNumberBytes =
    400;  // the longest double without an exponent has 309 digits before the point
constexpr std::size_t kUsualNumberBytes = 24;
constexpr std::size_t kUsualShownBytes = 64;  // of an item that is no metric
constexpr unsigned kMostShownDepth = 8;
constexpr std::size_t kMostRatio = 32, kGraceBytes = std::size_t{64} << 10;

constexpr std::string_view kBlanks = " \t\r\n";

/// The two items of a sequence.
bool as_pair(const PickleReader& reader, const PickleValue& value, const PickleValue*& first,
             const PickleValue*& second) {
  if (!value.is_sequence() || value.size != 2) return false;
  first = nullptr;
  reader.for_each(value, [&](const PickleValue& item) {
    (first == nullptr ? first : second) = &item;
    return true;
  });
  return true;
}

void append_real(double number, bool fixed, std::string& line) {
  std::array<char, kNumberBytes> digits;
  char* const begin = digits.data();
  const auto done =
      fixed ? std::to_chars(begin, begin + digits.size(), number, std::chars_format::fixed)
            : std::to_chars(begin, begin + digits.size(), number);
  if (done.ec != std::errc()) return append_real(number, false, line);  // 1e-300 is longer
  const std::string_view text(begin, static_cast<std::size_t>(done.ptr - begin));
  line += text;
  if (!fixed && text.find_first_of(".en") == std::string_view::npos) line += ".0";
}

/// float() of Python takes blanks around a number.
std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

bool is_word(const PickleValue& value) noexcept {
  if (value.kind != Kind::kText) return true;
  const std::string_view text = trimmed(value.view());
  return !text.empty() && text.find_first_of(kBlanks) == std::string_view::npos;
}

/// `fixed`: without an exponent, as times are written.
void append_value(const PickleValue& value, bool fixed, std::string& line) {
  switch (value.kind) {
    case Kind::kNone: line += "None"; return;
    case Kind::kFalse: line += "False"; return;
    case Kind::kTrue: line += "True"; return;
    case Kind::kInteger: line += std::to_string(value.integer); return;
    case Kind::kUnsigned: line += std::to_string(value.unsigned_integer); return;
    case Kind::kReal: return append_real(value.real, fixed, line);
    case Kind::kText: line += trimmed(value.view()); return;
    case Kind::kMark:
    case Kind::kList:
    case Kind::kTuple: return;  // as_metric gives none of them
  }
}

std::size_t most_bytes(const PickleValue& value) noexcept {
  return value.kind == Kind::kText ? value.size : kUsualNumberBytes;
}

std::size_t most_bytes(const PickleReader& reader, const PickleValue& item) {
  PickleMetric metric;
  if (!as_metric(reader, item, metric)) return kUsualShownBytes;
  return most_bytes(*metric.path) + most_bytes(*metric.time) + most_bytes(*metric.value);
}

/// Each value writes a byte at least, and none is looked at once the line reaches `end`: however often values hold
/// others, or themselves, that is the most there is to do.
void show(const PickleReader& reader, const PickleValue& value, unsigned depth, std::size_t end,
          std::string& line) {
  if (line.size() > end) return;
  if (value.kind == Kind::kText) {
    line += '\'';
    line += value.view().substr(0, kMostShownBytes);
    line += '\'';
    return;
  }
  if (!value.is_sequence()) return append_value(value, false, line);
  const bool list = value.kind == Kind::kList;
  line += list ? '[' : '(';
  bool first = true;
  reader.for_each(value, [&](const PickleValue& item) {
    if (!first) line += ", ";
    first = false;
    if (depth == 0)
      line += "...";
    else
      show(reader, item, depth - 1, end, line);
    return line.size() <= end;
  });
  if (!list && value.size == 1) line += ',';
  line += list ? ']' : ')';
}

}  // namespace

bool as_metric(const PickleReader& reader, const PickleValue& item, PickleMetric& metric) {
  const PickleValue* point = nullptr;
  return as_pair(reader, item, metric.path, point) && metric.path->kind == Kind::kText &&
         as_pair(reader, *point, metric.time, metric.value) && !metric.time->is_sequence() &&
         !metric.value->is_sequence();
}

Problem check_items(const PickleReader& reader, std::size_t pickle_bytes) {
  if (!reader.top().is_sequence()) return {"the pickle is no list"};
  std::size_t room = pickle_bytes * kMostRatio + kGraceBytes;
  Problem problem;
  reader.for_each(reader.top(), [&](const PickleValue& item) {
    const std::size_t bytes = most_bytes(reader, item);
    if (bytes > room || bytes > pickle_bytes + kGraceBytes)
      problem = {"the pickle's metrics are much longer than itself"};
    room -= std::min(bytes, room);
    return !problem;
  });
  return problem;
}

Problem append_line(const PickleMetric& metric, std::string& line) {
  const std::string_view path = metric.path->view();
  const std::size_t blank = path.find_first_of(kBlanks);
  line += path;
  line += ' ';
  const std::size_t value_at = line.size();
  append_value(*metric.value, false, line);
  line += ' ';
  const std::size_t time_at = line.size();
  append_value(*metric.time, true, line);
  if (path.empty()) return {"no path", 0};
  if (blank != std::string_view::npos) return {"a blank or a line end in the path", blank};
  if (!is_word(*metric.value)) return {"the value is no number", value_at};
  if (!is_word(*metric.time)) return {"the time is no number", time_at};
  return {};
}

void append_item(const PickleReader& reader, const PickleValue& item, std::string& line) {
  const std::size_t end = line.size() + kMostShownBytes;
  show(reader, item, kMostShownDepth, end, line);
  if (line.size() <= end) return;
  line.resize(end);
  line += "...";
}

}  // namespace penstock::graphite
