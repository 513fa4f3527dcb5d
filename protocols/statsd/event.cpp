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

/// So many as JavaScript would count: two for what UTF-8 writes in four bytes, one for any other character.
bool take_utf16_units(Scanner& in, std::size_t units, std::string_view& text) noexcept {
  const std::string_view rest = in.rest();
  std::size_t bytes = 0;
  while (units != 0 && bytes < rest.size()) {
    const auto lead = static_cast<unsigned char>(rest[bytes]);
    const std::size_t more = lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    const std::size_t takes = more == 4 ? 2 : 1;
    if (takes > units) return false;
    units -= takes;
    bytes += more;
  }
  return units == 0 && take_bytes(in, bytes, text);
}

struct Texts {
  std::size_t title_length = 0, text_length = 0;
  std::string_view title, text;
};

/// `title|text`, and what ends it.
template <class Take>
Problem take_texts(Scanner& in, Texts& texts, Take take) noexcept {
  if (!take(in, texts.title_length, texts.title) || !in.take('|'))
    return in.problem("the title does not have its length");
  if (!take(in, texts.text_length, texts.text) || !(in.done() || in.is('|')))
    return in.problem("the text does not have its length");
  return {};
}

void write_if_there(const Parts& parts, Part part, FieldName name, FieldWriter& fields) {
  if (parts.has(part)) fields.string(name, parts.text(part));
}

}  // namespace

Problem parse_event(Scanner& in, FieldWriter& fields) {
  unsigned title_length = 0, text_length = 0;
  if (!in.number(kMostLengthDigits, title_length) || !in.take(','))
    return in.problem("no length of the event's title");
  if (!in.number(kMostLengthDigits, text_length) || !in.take("}:"))
    return in.problem("no length of the event's text");
  Texts texts{title_length, text_length};
  const std::size_t begin = in.at();
  if (const Problem problem = take_texts(in, texts, take_bytes)) {
    in.back_to(begin);
    if (take_texts(in, texts, take_utf16_units)) return problem;
  }
  Parts parts(Parts::Of::kEvent);
  if (const Problem problem = parts.scan(in)) return problem;
  fields.string(Field::kKind, "event");
  write_text(fields, Field::kTitle, texts.title);
  write_text(fields, Field::kText, texts.text);
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
