#include "protocols/statsd/sampler.h"

namespace penstock::statsd {

Sampler::Taken Sampler::take(std::string_view line) {
  if (line.starts_with("_e{") || line.starts_with("_sc|")) return Taken::kNo;
  Sample sample;
  if (!read(line, sample)) return Taken::kNo;
  return aggregate_->add(sample) ? Taken::kYes : Taken::kNoRoom;
}

/// False also where something is wrong with it: parse_statsd says what.
bool Sampler::read(std::string_view line, Sample& sample) {
  Scanner in(line);
  Metric metric;
  double rate = 1;
  if (read_metric(in, metric) || metric.parts.read_rate(line, rate)) return false;
  if (metric.parts.has(Part::kTime) || metric.parts.has_extensions()) return false;
  if (metric.kind == MetricKind::kSet)
    sample.text = metric.values;
  else if (read_numbers(metric, numbers_, sample.delta))
    return false;
  else
    sample.numbers = numbers_;
  sample.key = keys_.key_of(metric);
  sample.kind = metric.kind;
  sample.weight = 1 / rate;
  return true;
}

}  // namespace penstock::statsd
