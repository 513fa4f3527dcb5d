#include "protocols/statsd/metric.h"

#include <array>

#include "protocols/core/decimal.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

constexpr std::array<std::string_view, kMetricKinds> kNames = {"counter",   "gauge",        "timer",
                                                               "histogram", "distribution", "set"};
constexpr std::array<std::string_view, kMetricKinds> kTypes = {"c", "g", "ms", "h", "d", "s"};

bool find_kind(std::string_view type, MetricKind& kind) noexcept {
  for (std::size_t at = 0; at < kMetricKinds; ++at) {
    if (type != kTypes[at]) continue;
    kind = static_cast<MetricKind>(at);
    return true;
  }
  return false;
}

bool has_sign(std::string_view value) noexcept {
  return !value.empty() && (value[0] == '+' || value[0] == '-');
}

bool is_packed(const Metric& metric) noexcept {
  return metric.values.find(':') != std::string_view::npos;
}

bool is_delta(const Metric& metric) noexcept {
  return metric.kind == MetricKind::kGauge && has_sign(metric.values);
}

/// Calls `take(Decimal)` for each of the values, `1:2:3`.
template <class Take>
Problem for_each_number(const Metric& metric, Take&& take) {
  const std::string_view values = metric.values;
  const bool gauge = metric.kind == MetricKind::kGauge, delta = is_delta(metric);
  for (std::size_t at = 0; at <= values.size();) {
    const std::size_t end = std::min(values.find(':', at), values.size());
    const std::string_view value = values.substr(at, end - at);
    if (gauge && has_sign(value) != delta)
      return {"packed values with a sign and without", metric.values_at + at};
    Decimal number;
    if (!parse_decimal(value, number))
      return {"the value is no finite decimal number", metric.values_at + at};
    take(number);
    at = end + 1;
  }
  return {};
}

Problem write_values(const Metric& metric, FieldWriter& fields) {
  if (metric.kind == MetricKind::kSet) {
    fields.string(Field::kValue, metric.values);
    return {};
  }
  const bool packed = is_packed(metric);
  const FieldWriter::Open array = packed ? fields.begin_array(Field::kValue) : FieldWriter::Open{};
  const Problem problem = for_each_number(metric, [&](const Decimal& number) {
    write_decimal(fields, packed ? Field::kNone : Field::kValue, number);
  });
  if (problem) return problem;
  if (packed) fields.end(array);
  if (is_delta(metric)) fields.boolean("delta"sv, true);
  return {};
}

}  // namespace

std::string_view name_of(MetricKind kind) noexcept {
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view type_of(MetricKind kind) noexcept {
  return kTypes[static_cast<std::size_t>(kind)];
}

Problem read_metric(Scanner& in, Metric& metric) noexcept {
  metric.name = in.until(':');
  if (metric.name.empty()) return in.problem("no name");
  if (!in.take(':')) return in.problem("no `:` between name and value");
  metric.values_at = in.at();
  metric.values = in.until('|');
  if (metric.values.empty()) return in.problem("no value");
  if (!in.take('|')) return in.problem("no `|` between value and type");
  const std::size_t type_at = in.at();
  if (!find_kind(in.until('|'), metric.kind))
    return {"the type is none of c, g, ms, h, d and s", type_at};
  return metric.parts.scan(in);
}

Problem read_numbers(const Metric& metric, std::vector<double>& numbers, bool& delta) {
  numbers.clear();
  delta = is_delta(metric);
  return for_each_number(metric,
                         [&](const Decimal& number) { numbers.push_back(number.as_real()); });
}

Problem parse_metric(Scanner& in, FieldWriter& fields) {
  Metric metric;
  if (const Problem problem = read_metric(in, metric)) return problem;
  fields.string(Field::kName, metric.name);
  fields.string(Field::kKind, name_of(metric.kind));
  if (const Problem problem = write_values(metric, fields)) return problem;
  return metric.parts.write(in.frame(), fields);
}

}  // namespace penstock::statsd
