#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "server/pipeline/histogram.h"

namespace penstock::admin {

enum class MetricType : std::uint8_t { kCounter, kGauge, kHistogram };

/// The value may hold any bytes; the name is a label's name already.
struct Label {
  std::string_view name, value;
};
using Labels = std::initializer_list<Label>;

/// Prometheus' text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats): metric by metric, all samples of
/// one behind its HELP and TYPE. What follows open() must live until the next one.
class PrometheusText {
 public:
  static constexpr std::string_view kContentType = "text/plain; version=0.0.4; charset=utf-8";

  explicit PrometheusText(std::string& out) : out_(out) {}

  /// The next metric. One without samples leaves nothing behind. `help` is one line without backslashes.
  void open(std::string_view name, MetricType type, std::string_view help);
  void add(Labels labels, std::uint64_t value);
  void add(Labels labels, double value);
  /// `_bucket` (cumulated), `_sum` and `_count`. `per_unit`: what bounds and sum are divided by. Nothing where the
  /// histogram has no bounds.
  void add_histogram(Labels labels, const HistogramTotals& histogram, double per_unit);

 private:
  void head();
  void name(std::string_view suffix);
  void labels(Labels labels, std::string_view bound = {});
  void number(double value);
  void end(std::uint64_t value);

  std::string& out_;
  std::string_view name_, help_;
  MetricType type_ = MetricType::kGauge;
  bool head_due_ = false;
};

/// As a label's value stands between its quotes: backslash, quote and newline escaped. Bytes that are no printable UTF-8,
/// which a scrape would be refused for, are shown as in the log, `\xHH`.
void append_label_value(std::string& out, std::string_view text);

}  // namespace penstock::admin
