#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"
#include "protocols/statsd/parts.h"

namespace penstock::statsd {

enum class MetricKind : std::uint8_t { kCounter, kGauge, kTimer, kHistogram, kDistribution, kSet };
inline constexpr std::size_t kMetricKinds = 6;

/// As events name it: `counter`.
std::string_view name_of(MetricKind kind) noexcept;
/// As it stands behind the value: `c`.
std::string_view type_of(MetricKind kind) noexcept;

/// One line, taken apart: views into it.
struct Metric {
  std::string_view name;
  std::string_view values;    ///< `1`, `1:2:3`; of a set one text
  std::size_t values_at = 0;  ///< where they begin in the line
  MetricKind kind = MetricKind::kCounter;
  Parts parts{Parts::Of::kMetric};
};

/// Takes all of `in` apart; values and parts are not looked at yet.
Problem read_metric(Scanner& in, Metric& metric) noexcept;

/// The values of a metric that is no set, one behind the other. `delta`: a gauge's have a sign, so they are changes.
Problem read_numbers(const Metric& metric, std::vector<double>& numbers, bool& delta);

/// A metric: all of `in`. See parse_statsd.
Problem parse_metric(Scanner& in, FieldWriter& fields);

}  // namespace penstock::statsd
