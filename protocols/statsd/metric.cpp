#include "protocols/statsd/metric.h"

#include "protocols/core/decimal.h"
#include "protocols/statsd/parts.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

/// Empty where there is no such type.
std::string_view kind_of(std::string_view type) noexcept {
  if (type == "ms") return "timer";
  if (type.size() != 1) return {};
  switch (type[0]) {
    case 'c': return "counter";
    case 'g': return "gauge";
    case 'h': return "histogram";
    case 'd': return "distribution";
    case 's': return "set";
    default: return {};
  }
}

bool has_sign(std::string_view value) noexcept {
  return !value.empty() && (value[0] == '+' || value[0] == '-');
}

Problem write_number(std::size_t place, std::string_view text, FieldName name,
                     FieldWriter& fields) {
  Decimal number;
  if (!parse_decimal(text, number)) return {"the value is no finite decimal number", place};
  write_decimal(fields, name, number);
  return {};
}

/// `1:2:3`, which begins at `place`.
Problem write_packed(std::string_view values, std::size_t place, bool gauge, FieldWriter& fields) {
  const bool delta = gauge && has_sign(values);
  const auto array = fields.begin_array(Field::kValue);
  for (std::size_t at = 0; at <= values.size();) {
    const std::size_t end = std::min(values.find(':', at), values.size());
    const std::string_view value = values.substr(at, end - at);
    if (gauge && has_sign(value) != delta)
      return {"packed values with a sign and without", place + at};
    if (const Problem problem = write_number(place + at, value, Field::kNone, fields))
      return problem;
    at = end + 1;
  }
  fields.end(array);
  return {};
}

Problem write_values(std::string_view values, std::size_t place, std::string_view kind,
                     FieldWriter& fields) {
  if (kind == "set") {
    fields.string(Field::kValue, values);
    return {};
  }
  const bool gauge = kind == "gauge";
  const Problem problem = values.find(':') == std::string_view::npos
                              ? write_number(place, values, Field::kValue, fields)
                              : write_packed(values, place, gauge, fields);
  if (!problem && gauge && has_sign(values)) fields.boolean("delta"sv, true);
  return problem;
}

}  // namespace

Problem parse_metric(Scanner& in, FieldWriter& fields) {
  const std::string_view name = in.until(':');
  if (name.empty()) return in.problem("no name");
  if (!in.take(':')) return in.problem("no `:` between name and value");
  const std::size_t values_at = in.at();
  const std::string_view values = in.until('|');
  if (values.empty()) return in.problem("no value");
  if (!in.take('|')) return in.problem("no `|` between value and type");
  const std::size_t type_at = in.at();
  const std::string_view kind = kind_of(in.until('|'));
  if (kind.empty()) return {"the type is none of c, g, ms, h, d and s", type_at};
  Parts parts(Parts::Of::kMetric);
  if (const Problem problem = parts.scan(in)) return problem;
  fields.string(Field::kName, name);
  fields.string(Field::kKind, kind);
  if (const Problem problem = write_values(values, values_at, kind, fields)) return problem;
  return parts.write(in.frame(), fields);
}

}  // namespace penstock::statsd
