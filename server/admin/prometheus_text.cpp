#include "server/admin/prometheus_text.h"

#include <array>
#include <charconv>
#include <cmath>

#include "server/log/escape.h"

namespace penstock::admin {
namespace {

constexpr std::string_view to_string(MetricType type) noexcept {
  constexpr std::array<std::string_view, 3> names = {"counter", "gauge", "histogram"};
  return names[static_cast<std::size_t>(type)];
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> text;  // of 2^64
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  out.append(text.data(), end);
}

/// The shortest text that reads back as the same number, as Prometheus itself writes it.
void append_number(std::string& out, double value) {
  std::array<char, 32> text;  // 24 are the most that a double takes this way
  const double size = std::abs(value);
  const bool is_plain = size == 0 || (size >= 1e-4 && size < 1e21);
  const auto [end, error] =
      std::to_chars(text.data(), text.data() + text.size(), value,
                    is_plain ? std::chars_format::fixed : std::chars_format::scientific);
  out.append(text.data(), end);
}

}  // namespace

void append_label_value(std::string& out, std::string_view text) {
  std::string shown;
  log::append_plain(shown, text);
  for (const char c : shown) {
    if (c == '\\' || c == '"') out += '\\';
    out += c;
  }
}

void PrometheusText::open(std::string_view name, MetricType type, std::string_view help) {
  name_ = name;
  type_ = type;
  help_ = help;
  head_due_ = true;
}

void PrometheusText::add(Labels with, std::uint64_t value) {
  name({});
  labels(with);
  end(value);
}

void PrometheusText::add(Labels with, double value) {
  name({});
  labels(with);
  number(value);
}

void PrometheusText::add_histogram(Labels with, const HistogramTotals& histogram, double per_unit) {
  std::uint64_t below = 0;
  for (std::size_t at = 0; at < histogram.counts.size(); ++at) {
    std::string bound = "+Inf";
    if (at < histogram.bounds.size()) {
      bound.clear();
      append_number(bound, static_cast<double>(histogram.bounds[at]) / per_unit);
    }
    below += histogram.counts[at];
    name("_bucket");
    labels(with, bound);
    end(below);
  }
  if (histogram.counts.empty()) return;
  name("_sum");
  labels(with);
  number(histogram.sum / per_unit);
  name("_count");
  labels(with);
  end(below);
}

void PrometheusText::head() {
  out_.append("# HELP ").append(name_).append(" ").append(help_);
  out_.append("\n# TYPE ").append(name_).append(" ").append(to_string(type_)).append("\n");
}

void PrometheusText::name(std::string_view suffix) {
  if (head_due_) head();
  head_due_ = false;
  out_.append(name_).append(suffix);
}

void PrometheusText::labels(Labels labels, std::string_view bound) {
  char before = '{';
  const auto add = [&](std::string_view name, std::string_view value) {
    out_ += before;
    before = ',';
    out_.append(name).append("=\"");
    append_label_value(out_, value);
    out_ += '"';
  };
  for (const Label& label : labels) add(label.name, label.value);
  if (!bound.empty()) add("le", bound);
  if (before == ',') out_ += '}';
}

void PrometheusText::number(double value) {
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

void PrometheusText::end(std::uint64_t value) {
  out_ += ' ';
  append_number(out_, value);
  out_ += '\n';
}

}  // namespace penstock::admin
