#include "protocols/graphite/pickle_metrics.h"

#include <array>
#include <charconv>

namespace penstock::graphite {
namespace {

using Kind = PickleValue::Kind;

constexpr std::size_t kNumberBytes =
    400;  // the longest double without an exponent has 309 digits before the point
constexpr std::size_t kUsualNumberBytes = 24;
constexpr std::size_t kMostRatio = 32, kGraceBytes = std::size_t{64} << 10;

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

/// `fixed`: without an exponent, as times are written.
void append_value(const PickleValue& value, bool fixed, std::string& line) {
  switch (value.kind) {
    case Kind::kNone: line += "None"; return;
    case Kind::kFalse: line += "False"; return;
    case Kind::kTrue: line += "True"; return;
    case Kind::kInteger: line += std::to_string(value.integer); return;
    case Kind::kReal: return append_real(value.real, fixed, line);
    case Kind::kText: line += value.view(); return;
    case Kind::kMark:
    case Kind::kList:
    case Kind::kTuple: return;  // as_metric gives none of them
  }
}

std::size_t most_bytes(const PickleValue& value) noexcept {
  return value.kind == Kind::kText ? value.size : kUsualNumberBytes;
}

}  // namespace

bool as_metric(const PickleReader& reader, const PickleValue& item, PickleMetric& metric) {
  const PickleValue* point = nullptr;
  return as_pair(reader, item, metric.path, point) && metric.path->kind == Kind::kText &&
         as_pair(reader, *point, metric.time, metric.value) && !metric.time->is_sequence() &&
         !metric.value->is_sequence();
}

Problem check_metrics(const PickleReader& reader, std::size_t pickle_bytes) {
  if (!reader.top().is_sequence()) return {"the pickle is no list"};
  std::size_t room = pickle_bytes * kMostRatio + kGraceBytes;
  Problem problem;
  reader.for_each(reader.top(), [&](const PickleValue& item) {
    PickleMetric metric;
    if (!as_metric(reader, item, metric)) {
      problem = {"the pickle holds something that is no (path, (time, value))"};
      return false;
    }
    const std::size_t bytes =
        most_bytes(*metric.path) + most_bytes(*metric.time) + most_bytes(*metric.value);
    if (bytes > room || bytes > pickle_bytes + kGraceBytes)
      problem = {"the pickle's metrics are much longer than itself"};
    room -= std::min(bytes, room);
    return !problem;
  });
  return problem;
}

void append_line(const PickleMetric& metric, std::string& line) {
  line += metric.path->view();
  line += ' ';
  append_value(*metric.value, false, line);
  line += ' ';
  append_value(*metric.time, true, line);
}

}  // namespace penstock::graphite
