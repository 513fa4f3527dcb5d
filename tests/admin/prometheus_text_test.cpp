#include "server/admin/prometheus_text.h"

#include <catch2/catch.hpp>

using namespace penstock;
using namespace penstock::admin;

TEST_CASE("label values: quotes, backslashes and what is no text are escaped", "[admin][metrics]") {
  const auto [given, expected] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"tcp://[::]:514", "tcp://[::]:514"},
      {"a\"b", "a\\\"b"},
      {"a\\b", "a\\\\b"},
      {"a\nb", "a\\\\nb"},
      {std::string("a\0b", 3), "a\\\\x00b"},
      {"a\xff", "a\\\\xff"},
      {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
  }));
  std::string out;
  append_label_value(out, given);
  CHECK(out == expected);
}

TEST_CASE("a metric: HELP and TYPE stand once, before its samples; without samples nothing",
          "[admin][metrics]") {
  std::string out;
  PrometheusText text(out);
  text.open("a_total", MetricType::kCounter, "As they come.");
  text.add({}, std::uint64_t{18'446'744'073'709'551'615U});
  text.add({{"x", "1"}, {"y", "\""}}, std::uint64_t{0});
  text.open("nothing", MetricType::kGauge, "Not there.");
  text.open("b_seconds", MetricType::kGauge, "Later.");
  text.add({}, 0.25);
  CHECK(out ==
        "# HELP a_total As they come.\n# TYPE a_total counter\na_total 18446744073709551615\n"
        "a_total{x=\"1\",y=\"\\\"\"} 0\n"
        "# HELP b_seconds Later.\n# TYPE b_seconds gauge\nb_seconds 0.25\n");
}

TEST_CASE("a histogram: buckets are cumulated, the last one is +Inf and equals the count",
          "[admin][metrics]") {
  Histogram histogram(kTurnBounds);
  histogram.add(10'000, 2);
  histogram.add(25'000);
  histogram.add(3'000'000'000);
  std::string out;
  PrometheusText text(out);
  text.open("turn_seconds", MetricType::kHistogram, "Turns.");
  text.add_histogram({{"loop", "0"}}, histogram.totals(), 1e9);
  text.add_histogram({{"loop", "1"}}, HistogramTotals{}, 1e9);
  CHECK(out ==
        "# HELP turn_seconds Turns.\n# TYPE turn_seconds histogram\n"
        "turn_seconds_bucket{loop=\"0\",le=\"1e-05\"} 2\n"
        "turn_seconds_bucket{loop=\"0\",le=\"2.5e-05\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"5e-05\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.0001\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.00025\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.0005\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.001\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.0025\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.005\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.01\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.025\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.1\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"0.5\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"2.5\"} 3\n"
        "turn_seconds_bucket{loop=\"0\",le=\"+Inf\"} 4\n"
        "turn_seconds_sum{loop=\"0\"} 3.000045\n"
        "turn_seconds_count{loop=\"0\"} 4\n");
}
