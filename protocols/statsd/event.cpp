#include "protocols/statsd/event.h"

#include "protocols/statsd/parts.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

constexpr unsigned kMostLengthDigits = 8;  // beyond any frame
constexpr unsigned kWorstStatus = 3;

/// The next `bytes` of the line.
bool take_bytes(Scanner& in, std::size_t bytes, std::string_view& text) noexcept {
  if (bytes > in.rest().size()) return false;
  text = in.rest().substr(0, bytes);
  in.skip(bytes);
  return true;
}

void write_if_there(const Parts& parts, Part part, FieldName name, FieldWriter& fields) {
  if (parts.has(part)) fields.string(name, parts.text(part));
}

}  // namespace

Problem parse_event(Scanner& in, FieldWriter& fields) {
  unsigned title_bytes = 0, text_bytes = 0;
  if (!in.number(kMostLengthDigits, title_bytes) || !in.take(','))
    return in.problem("no length of the event's title");
  if (!in.number(kMostLengthDigits, text_bytes) || !in.take("}:"))
    return in.problem("no length of the event's text");
  std::string_view title, text;
  if (!take_bytes(in, title_bytes, title) || !in.take('|'))
    return in.problem("the title does not have its length");
  if (!take_bytes(in, text_bytes, text) || !(in.done() || in.is('|')))
    return in.problem("the text does not have its length");
  Parts parts(Parts::Of::kEvent);
  if (const Problem problem = parts.scan(in)) return problem;
  fields.string(Field::kKind, "event");
  fields.string(Field::kTitle, title);
  write_text(fields, Field::kText, text);
  write_if_there(parts, Part::kHost, Field::kHost, fields);
  write_if_there(parts, Part::kKey, "aggregation_key"sv, fields);
  write_if_there(parts, Part::kPriority, "priority"sv, fields);
  write_if_there(parts, Part::kSource, "source_type"sv, fields);
  write_if_there(parts, Part::kAlert, "alert_type"sv, fields);
  return parts.write(in.frame(), fields);
}

Problem parse_service_check(Scanner& in, FieldWriter& fields) {
  const std::string_view name = in.until('|');
  if (name.empty()) return in.problem("no name");
  if (!in.take('|')) return in.problem("no status");
  const std::size_t status_at = in.at();
  unsigned status = 0;
  if (!in.number(1, status) || status > kWorstStatus || !(in.done() || in.is('|')))
    return {"the status is not 0 to 3", status_at};
  Parts parts(Parts::Of::kServiceCheck);
  if (const Problem problem = parts.scan(in)) return problem;
  fields.string(Field::kName, name);
  fields.string(Field::kKind, "service_check");
  fields.integer(Field::kStatus, status);
  write_if_there(parts, Part::kHost, Field::kHost, fields);
  if (parts.has(Part::kMessage)) write_text(fields, Field::kMessage, parts.text(Part::kMessage));
  return parts.write(in.frame(), fields);
}

}  // namespace penstock::statsd
