#include "protocols/graphite/line.h"

#include "protocols/core/decimal.h"
#include "protocols/core/epoch.h"
#include "protocols/core/timestamp.h"
#include "protocols/graphite/words.h"

namespace penstock::graphite {
namespace {

/// `;tag=value;tag=value`, which stands at `place`.
Problem write_tags(std::string_view tags, std::size_t place, FieldWriter& fields) {
  const auto map = fields.begin_map(Field::kTags);
  Scanner in(tags);
  while (in.take(';')) {
    const std::size_t begin = in.at();
    const std::string_view tag = in.until(';');
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals >= tag.size() - 1)  // npos too
      return {"a tag without name or value", place + begin};
    fields.string(tag.substr(0, equals), tag.substr(equals + 1));
  }
  fields.end(map);
  return {};
}

/// carbon takes whatever Python's float() does (`1.7e9`), and -1, with a fraction or without, as now.
Problem write_time(std::string_view time, std::size_t place, FieldWriter& fields) {
  if (time == "-1" || time == "N") return {};
  std::int64_t ns = 0;
  const bool number = parse_epoch_seconds(time, ns) || epoch_seconds(time, ns);
  if (number && ns <= -kNanosPerSecond && ns > -2 * kNanosPerSecond) return {};
  if (!number || ns < 0) return {"the time is neither seconds since 1970 nor -1 or N", place};
  fields.time(Field::kTimestamp, ns);
  return {};
}

}  // namespace

Problem parse_graphite(std::string_view line, FieldWriter& fields) {
  Scanner in(line);
  const std::string_view path = take_word(in);
  const std::string_view value = take_word(in);
  const std::string_view time = take_word(in);
  if (path.empty()) return in.problem("no path");
  if (value.empty()) return in.problem("no value");
  if (time.empty()) return in.problem("no time");
  skip_blanks(in);
  if (!in.done()) return in.problem("more than path, value and time");
  const std::size_t semicolon = std::min(path.find(';'), path.size());
  if (semicolon == 0) return {"no name before the tags", place(in, path)};
  fields.string(Field::kName, path.substr(0, semicolon));
  Decimal number;
  if (!parse_decimal(value, number))
    return {"the value is no finite decimal number", place(in, value)};
  write_decimal(fields, Field::kValue, number);
  const std::string_view tags = path.substr(semicolon);
  if (!tags.empty()) {
    if (const Problem problem = write_tags(tags, place(in, tags), fields)) return problem;
  }
  return write_time(time, place(in, time), fields);
}

}  // namespace penstock::graphite
