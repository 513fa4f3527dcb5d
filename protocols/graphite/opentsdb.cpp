#include "protocols/graphite/opentsdb.h"

#include "protocols/core/decimal.h"
#include "protocols/graphite/words.h"

namespace penstock::graphite {
namespace {

constexpr std::size_t kMillisecondDigits = 13;
constexpr std::int64_t kNanosPerMillisecond = 1'000'000;

bool parse_time(std::string_view text, std::int64_t& ns) noexcept {
  if (text.size() != kMillisecondDigits || text.find('.') != std::string_view::npos)
    return parse_epoch_seconds(text, ns);
  Decimal milliseconds;
  if (!Scanner::is_digit(text[0]) || !parse_decimal(text, milliseconds)) return false;
  if (milliseconds.kind != Decimal::Kind::kInteger) return false;
  return !__builtin_mul_overflow(milliseconds.integer, kNanosPerMillisecond, &ns);
}

Problem write_tags(Scanner& in, FieldWriter& fields) {
  std::string_view tag = take_word(in);
  if (tag.empty()) return {};
  const auto map = fields.begin_map(Field::kTags);
  for (; !tag.empty(); tag = take_word(in)) {
    const std::size_t equals = tag.find('=');
    if (equals == 0 || equals >= tag.size() - 1)  // npos too
      return {"a tag without name or value", place(in, tag)};
    fields.string(tag.substr(0, equals), tag.substr(equals + 1));
  }
  fields.end(map);
  return {};
}

}  // namespace

Problem parse_put(std::string_view line, FieldWriter& fields) {
  Scanner in(line);
  const std::string_view command = take_word(in);
  if (command != "put") return {"no `put`", place(in, command)};
  const std::string_view name = take_word(in);
  if (name.empty()) return in.problem("no metric");
  const std::string_view time = take_word(in);
  if (time.empty()) return in.problem("no time");
  std::int64_t ns = 0;
  if (!parse_time(time, ns))
    return {"the time is not seconds or milliseconds since 1970", place(in, time)};
  const std::string_view value = take_word(in);
  if (value.empty()) return in.problem("no value");
  Decimal number;
  if (!parse_decimal(value, number))
    return {"the value is no finite decimal number", place(in, value)};
  fields.string(Field::kName, name);
  write_decimal(fields, Field::kValue, number);
  if (const Problem problem = write_tags(in, fields)) return problem;
  fields.time(Field::kTimestamp, ns);
  return {};
}

}  // namespace penstock::graphite
