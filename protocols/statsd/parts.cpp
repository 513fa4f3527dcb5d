#include "protocols/statsd/parts.h"

#include <string>

#include "protocols/core/decimal.h"
#include "protocols/core/scanner.h"
#include "protocols/statsd/tags.h"
#include "protocols/statsd/words.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

constexpr std::string_view kEscapedLf = "\\n";

struct Prefix {
  std::string_view text;
  Part part;
  bool metrics, events, checks;  // whose part it is
};
constexpr std::array<Prefix, static_cast<std::size_t>(Part::kCount)> kPrefixes = {{
    {"#", Part::kTags, true, true, true},
    {"@", Part::kRate, true, false, false},
    {"c:", Part::kContainer, true, true, true},
    {"T", Part::kTime, true, false, false},
    {"e:", Part::kExternal, true, true, true},
    {"card:", Part::kCardinality, true, true, true},
    {"d:", Part::kDate, false, true, true},
    {"h:", Part::kHost, false, true, true},
    {"k:", Part::kKey, false, true, false},
    {"p:", Part::kPriority, false, true, false},
    {"s:", Part::kSource, false, true, false},
    {"t:", Part::kAlert, false, true, false},
    {"m:", Part::kMessage, false, false, true},
}};

std::size_t place(std::string_view line, std::string_view part) noexcept {
  return static_cast<std::size_t>(part.data() - line.data());
}

}  // namespace

bool Parts::known(std::string_view text, Part& part, std::size_t& prefix) const noexcept {
  for (const Prefix& row : kPrefixes) {
    const bool ours = of_ == Of::kMetric  ? row.metrics
                      : of_ == Of::kEvent ? row.events
                                          : row.checks;
    if (!ours || !text.starts_with(row.text)) continue;
    part = row.part;
    prefix = row.text.size();
    return true;
  }
  return false;
}

Problem Parts::scan(Scanner& in) noexcept {
  behind_ = in.rest();
  while (in.take('|')) {
    const std::size_t begin = in.at();
    const std::string_view text = in.until('|');
    Part part;
    std::size_t prefix;
    if (!known(text, part, prefix)) {
      has_extensions_ = has_extensions_ || !text.empty();
      continue;
    }
    if (has(part)) return {"the same part twice", begin};
    texts_[index(part)] = text.substr(prefix);
  }
  return {};
}

Problem Parts::write(std::string_view line, FieldWriter& fields) const {
  if (has(Part::kTags)) write_tags(text(Part::kTags), fields);
  if (const Problem problem = write_times(line, fields)) return problem;
  if (has(Part::kContainer)) fields.string(Field::kContainer, text(Part::kContainer));
  if (has(Part::kExternal)) fields.string("external_data"sv, text(Part::kExternal));
  if (has(Part::kCardinality)) fields.string("cardinality"sv, text(Part::kCardinality));
  if (has_extensions_) write_extensions(fields);
  return {};
}

Problem Parts::write_times(std::string_view line, FieldWriter& fields) const {
  const Part part = of_ == Of::kMetric ? Part::kTime : Part::kDate;
  if (has(part)) {
    std::int64_t ns = 0;
    if (!parse_epoch_seconds(text(part), ns))
      return {"the time is not in seconds since 1970", place(line, text(part))};
    fields.time(Field::kTimestamp, ns);
  }
  if (!has(Part::kRate)) return {};
  double rate = 1;
  if (const Problem problem = read_rate(line, rate)) return problem;
  fields.real(Field::kSampleRate, rate);
  return {};
}

Problem Parts::read_rate(std::string_view line, double& rate) const noexcept {
  rate = 1;
  if (!has(Part::kRate)) return {};
  Decimal number;
  const bool sound = parse_decimal(text(Part::kRate), number);
  rate = number.as_real();
  if (!sound || !(rate > 0 && rate <= 1))
    return {"the sample rate is not above 0 and at most 1", place(line, text(Part::kRate))};
  return {};
}

void Parts::write_extensions(FieldWriter& fields) const {
  const auto array = fields.begin_array("extensions"sv);
  for (std::string_view list = behind_; !list.empty();) {
    const std::string_view item = take_item(list, '|');
    Part part;
    std::size_t prefix;
    if (!item.empty() && !known(item, part, prefix)) fields.string(Field::kNone, item);
  }
  fields.end(array);
}

void write_text(FieldWriter& fields, FieldName name, std::string_view value) {
  std::size_t at = value.find(kEscapedLf);
  if (at == std::string_view::npos) return fields.string(name, value);
  std::string text;
  text.reserve(value.size());
  for (; at != std::string_view::npos; at = value.find(kEscapedLf)) {
    text.append(value.substr(0, at)).append(1, '\n');
    value.remove_prefix(at + kEscapedLf.size());
  }
  fields.string(name, text.append(value));
}

}  // namespace penstock::statsd
