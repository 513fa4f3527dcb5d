#include "protocols/influx/parse.h"

#include <array>
#include <charconv>

#include "protocols/core/decimal.h"
#include "protocols/core/scanner.h"
#include "protocols/core/utf8.h"
#include "protocols/influx/value.h"

namespace penstock::influx {
namespace {

using ByteSet = std::array<bool, 256>;

/// `bytes`, and all control characters, which no token may hold.
constexpr ByteSet ends(std::string_view bytes) noexcept {
  ByteSet set{};
  for (std::size_t c = 0; c < 0x20; ++c) set[c] = true;
  set[0x7f] = true;
  for (const char c : bytes) set[static_cast<unsigned char>(c)] = true;
  return set;
}

/// What ends a token, and with a backslash before it does not.
constexpr ByteSet kMeasurementEnds = ends(", ");
constexpr ByteSet kNameEnds = ends(",= ");

bool is_in(const ByteSet& set, char c) noexcept { return set[static_cast<unsigned char>(c)]; }

bool is_control(char c) noexcept { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

/// Names, tags and the measurement of one line.
class Tokens {
 public:
  explicit Tokens(Scanner& in) noexcept : in_(in) {}

  /// Up to one of `ends`, as it stands, escapes in it; what it means is meant().
  std::string_view take(const ByteSet& ends) noexcept {
    const std::string_view rest = in_.rest();
    std::size_t at = 0;
    escaped_ = false;
    while (at < rest.size() && !is_in(ends, rest[at])) {
      const bool escape = rest[at] == '\\' && at + 1 < rest.size() && is_in(ends, rest[at + 1]) &&
                          !is_control(rest[at + 1]);
      escaped_ = escaped_ || escape;
      at += escape ? 2 : 1;
    }
    in_.skip(at);
    return rest.substr(0, at);
  }

  /// The last token without its backslashes; `memory` holds it where it has any.
  std::string_view meant(std::string_view token, const ByteSet& ends, std::string& memory) const {
    if (!escaped_) return token;
    memory.clear();
    for (std::size_t at = 0; at < token.size(); ++at) {
      if (token[at] == '\\' && at + 1 < token.size() && is_in(ends, token[at + 1])) ++at;
      memory += token[at];
    }
    return memory;
  }

 private:
  Scanner& in_;
  bool escaped_ = false;
};

/// The tags of one line, which must differ.
class TagNames {
 public:
  bool full() const noexcept { return count_ == kMostTags; }
  /// False where it is there already. Two spellings of one name cannot be: what may be escaped must be.
  bool add(std::string_view raw) noexcept {
    for (std::size_t at = 0; at < count_; ++at) {
      if (names_[at] == raw) return false;
    }
    names_[count_++] = raw;
    return true;
  }

 private:
  std::array<std::string_view, kMostTags> names_;
  std::size_t count_ = 0;
};

/// Memory for a name and a value with escapes.
struct Unescaped {
  std::string& name;
  std::string& value;
};

/// What ended a name or a value is none of what may.
Problem ends_wrong(const Scanner& in, const char* why) noexcept {
  const bool control = !in.done() && static_cast<unsigned char>(in.peek()) < ' ';
  return in.problem(control ? "a control character outside of a text" : why);
}

Problem parse_tag(Scanner& in, Tokens& tokens, TagNames& names, Unescaped unescaped,
                  FieldWriter& fields) {
  const std::size_t begin = in.at();
  if (names.full()) return {"more than 256 tags", begin};
  const std::string_view raw = tokens.take(kNameEnds);
  if (raw.empty()) return {"no tag behind the comma", begin};
  if (!names.add(raw)) return {"the same tag twice", begin};
  const std::string_view name = tokens.meant(raw, kNameEnds, unescaped.name);
  if (!in.take('=')) return ends_wrong(in, "no `=` behind the tag");
  const std::size_t value_at = in.at();
  const std::string_view value = tokens.take(kNameEnds);
  if (value.empty()) return {"the tag has no value", value_at};
  fields.string(name, tokens.meant(value, kNameEnds, unescaped.value));
  return {};
}

Problem parse_tags(Scanner& in, Tokens& tokens, Unescaped unescaped, FieldWriter& fields) {
  if (!in.is(',')) return {};
  TagNames names;
  const auto map = fields.begin_map(Field::kTags);
  while (in.take(',')) {
    if (const Problem problem = parse_tag(in, tokens, names, unescaped, fields)) return problem;
  }
  fields.end(map);
  return {};
}

Problem parse_fields(Scanner& in, Tokens& tokens, Unescaped unescaped, FieldWriter& fields) {
  const auto map = fields.begin_map(Field::kFields);
  do {
    const std::size_t begin = in.at();
    const std::string_view raw = tokens.take(kNameEnds);
    if (raw.empty()) return {"no field", begin};
    if (!in.take('=')) return ends_wrong(in, "no `=` behind the field");
    const std::string_view name = tokens.meant(raw, kNameEnds, unescaped.name);
    if (const Problem problem = parse_value(in, name, unescaped.value, fields)) return problem;
  } while (in.take(','));
  fields.end(map);
  return {};
}

Problem parse_time(Scanner& in, std::int64_t unit_ns, FieldWriter& fields) {
  const std::size_t begin = in.at();
  const std::string_view digits = in.until(' ');
  std::int64_t time = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), time);
  if (error != std::errc() || end != digits.data() + digits.size())
    return {"the timestamp is no integer of 64 bits", begin};
  std::int64_t ns = 0;
  if (__builtin_mul_overflow(time, unit_ns, &ns))
    return {"the timestamp is beyond 1678 to 2262", begin};
  fields.time(Field::kTimestamp, ns);
  in.skip_all(' ');
  return in.done() ? Problem{} : in.problem("more behind the timestamp");
}

std::int64_t unit_of(InfluxOptions::Precision precision) noexcept {
  switch (precision) {
    case InfluxOptions::Precision::kNanoseconds: break;
    case InfluxOptions::Precision::kMicroseconds: return 1'000;
    case InfluxOptions::Precision::kMilliseconds: return 1'000'000;
    case InfluxOptions::Precision::kSeconds: return 1'000'000'000;
  }
  return 1;
}

}  // namespace

LineParser::LineParser(const InfluxOptions& options) : unit_ns_(unit_of(options.precision)) {}

Problem LineParser::parse(std::string_view line, FieldWriter& fields) {
  if (!is_utf8(line)) return {"no UTF-8", valid_utf8_prefix(line)};
  Scanner in(line);
  Tokens tokens(in);
  const Unescaped unescaped{name_, value_};
  in.skip_all(' ');
  const std::string_view measurement = tokens.take(kMeasurementEnds);
  if (measurement.empty()) return in.problem("no measurement");
  fields.string(Field::kName, tokens.meant(measurement, kMeasurementEnds, name_));
  if (const Problem problem = parse_tags(in, tokens, unescaped, fields)) return problem;
  if (!in.is(' ')) return ends_wrong(in, "no blank before the fields");
  in.skip_all(' ');
  if (const Problem problem = parse_fields(in, tokens, unescaped, fields)) return problem;
  if (!in.done() && !in.is(' '))
    return ends_wrong(in, "no comma or blank behind the field's value");
  in.skip_all(' ');
  return in.done() ? Problem{} : parse_time(in, unit_ns_, fields);
}

bool is_blank_or_comment(std::string_view line) noexcept {
  const std::size_t first = line.find_first_not_of(' ');
  return first == std::string_view::npos || line[first] == '#';
}

}  // namespace penstock::influx
