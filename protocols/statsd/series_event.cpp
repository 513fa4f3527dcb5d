#include "protocols/statsd/series_event.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "protocols/statsd/tags.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

constexpr double kMedian = 50;
/// What an event takes beside its lines: fields, an entry of the index.
constexpr std::size_t kEventBytes = 256;

/// Without an exponent where it is a whole number that needs none.
void append_number(std::string& out, double number) {
  constexpr double kMostWhole = 1e15;
  std::array<char, 32> digits{};
  char* const begin = digits.data();
  const bool whole = std::abs(number) < kMostWhole && std::trunc(number) == number;
  const char* end =
      whole ? std::to_chars(begin, begin + digits.size(), static_cast<std::int64_t>(number)).ptr
            : std::to_chars(begin, begin + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

/// `upper_99_9` of 99.9: no point, which would be a level of a path.
std::string percentile_name(double percent) {
  std::string name = "upper_";
  append_number(name, percent);
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
}

std::int64_t rounded(double count) noexcept {
  constexpr double kMost = 9e18;
  return std::llround(std::min(count, kMost));
}

/// What stands behind the values. `parts` lie in the frame.
void write_parts(const KeyParts& parts, double seconds, FieldWriter& fields) {
  if (!parts.tags.empty()) write_tags(parts.tags, fields);
  if (parts.container.data() != nullptr) fields.string(Field::kContainer, parts.container);
  if (parts.external_data.data() != nullptr) fields.string("external_data"sv, parts.external_data);
  if (parts.cardinality.data() != nullptr) fields.string("cardinality"sv, parts.cardinality);
  fields.real(Field::kInterval, seconds);
}

}  // namespace

SeriesEvent::SeriesEvent(std::span<const double> percentiles) {
  for (const double percent : percentiles)
    percentiles_.push_back({percent, percentile_name(percent)});
}

std::size_t SeriesEvent::write(Series& series, double interval_seconds, BatchWriter& writer) {
  lines_.clear();
  const KeyParts parts = parts_of_key(series.key);
  if (series.timings)
    write_timings(parts, series, interval_seconds, writer);
  else
    write_one(parts, series, interval_seconds, writer);
  return lines_.size() + kEventBytes;
}

void SeriesEvent::begin_line(const KeyParts& parts, std::string_view statistic) {
  if (!lines_.empty()) lines_ += '\n';
  lines_ += parts.name;
  if (!statistic.empty()) lines_ += '.';
  lines_ += statistic;
  lines_ += ':';
}

/// A gauge. Below zero it is set to 0 first.
void SeriesEvent::add_line(const KeyParts& parts, std::string_view statistic, double value) {
  if (std::signbit(value) && value != 0) add_line(parts, statistic, 0);
  begin_line(parts, statistic);
  append_number(lines_, value);
  lines_ += "|g";
  lines_ += parts.suffix;
}

void SeriesEvent::write_one(const KeyParts& parts, Series& series, double seconds,
                            BatchWriter& writer) {
  const double value = series.texts ? static_cast<double>(series.texts->size()) : series.value;
  if (series.texts && series.texts->size() == 0) return;
  if (parts.kind == MetricKind::kCounter) {
    begin_line(parts, {});
    append_number(lines_, value);
    lines_ += "|c";
    lines_ += parts.suffix;
  } else {
    add_line(parts, {}, value);
  }
  FieldWriter fields = writer.begin_event(lines_, EventShape::kMetric);
  fields.string(Field::kName, parts.name);
  fields.string(Field::kKind, name_of(parts.kind));
  if (series.texts)
    fields.integer(Field::kValue, rounded(value));
  else
    fields.real(Field::kValue, value);
  write_parts(parts, seconds, fields);
  writer.add_flushed(fields);
}

void SeriesEvent::write_timings(const KeyParts& parts, Series& series, double seconds,
                                BatchWriter& writer) {
  Timings& timings = *series.timings;
  if (timings.count == 0) return;
  const auto at = [&](double percent) {
    return std::clamp(timings.quantiles.value_at(percent), timings.lowest, timings.highest);
  };
  const double count = static_cast<double>(rounded(timings.count));
  statistics_ = {{"count", count},           {"sum", timings.sum},
                 {"mean", timings.mean()},   {"lower", timings.lowest},
                 {"upper", timings.highest}, {"stddev", timings.standard_deviation()},
                 {"median", at(kMedian)}};
  for (const Percentile& each : percentiles_) statistics_.push_back({each.name, at(each.percent)});
  for (const Statistic& each : statistics_) add_line(parts, each.name, each.value);

  FieldWriter fields = writer.begin_event(lines_, EventShape::kMetric);
  fields.string(Field::kName, parts.name);
  fields.string(Field::kKind, name_of(parts.kind));
  const auto map = fields.begin_map(Field::kFields);
  fields.integer("count"sv, rounded(timings.count));
  for (std::size_t i = 1; i < statistics_.size(); ++i)
    fields.real(statistics_[i].name, statistics_[i].value);
  fields.end(map);
  write_parts(parts, seconds, fields);
  writer.add_flushed(fields);
}

}  // namespace penstock::statsd
