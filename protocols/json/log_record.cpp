#include "protocols/json/log_record.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "protocols/core/epoch.h"
#include "protocols/core/timestamp.h"
#include "protocols/json/severity.h"

namespace penstock {
namespace {

constexpr std::size_t kNone = SIZE_MAX;

/// A row of json_log_record's table: which member it is, and how far in front its name stands.
struct Lifted {
  std::size_t member = kNone;
  unsigned rank = 0;
  std::int64_t number = 0;  // time or severity
};

struct Known {
  Lifted timestamp, host, severity, message;

  bool holds(std::size_t member) const noexcept {
    return member == timestamp.member || member == host.member || member == message.member;
  }
};

template <std::size_t Count>
unsigned rank_of(std::string_view name, const std::array<std::string_view, Count>& names) noexcept {
  return static_cast<unsigned>(std::ranges::find(names, name) - names.begin());
}

bool is_number(FieldType type) noexcept {
  return type == FieldType::kInt64 || type == FieldType::kDouble || type == FieldType::kUint64 ||
         type == FieldType::kNumber;
}

bool read_time(const FieldValue& value, std::int64_t& ns) noexcept {
  if (is_number(value.type)) return epoch_of_any_unit(value.text, ns);
  if (value.type != FieldType::kString) return false;
  Scanner in(value.text);
  if (!scan_rfc3339(in, ns)) return in.done();
  Scanner again(value.text);
  CivilTime time;
  bool zoned = false;
  return scan_iso8601(again, time, zoned) && zoned && again.done() && to_nanoseconds(time, ns);
}

bool read_severity(const FieldValue& value, std::int64_t& severity) noexcept {
  std::optional<std::int64_t> found;
  if (value.type == FieldType::kInt64) found = severity_of_number(value.integer);
  if (value.type == FieldType::kString) found = severity_of_word(value.text);
  if (found) severity = *found;
  return found.has_value();
}

bool read_text(const FieldValue& value, std::int64_t&) noexcept {
  return value.type == FieldType::kString;
}

template <std::size_t Count, class Read>
void look_at(std::size_t at, const JsonMember& member,
             const std::array<std::string_view, Count>& names, Read read, Lifted& lifted) {
  const unsigned rank = rank_of(member.name, names);
  if (rank == Count || (lifted.member != kNone && lifted.rank <= rank)) return;
  if (std::int64_t number = 0; read(member.value, number)) lifted = {at, rank, number};
}

constexpr std::array<std::string_view, 4> kTimeNames = {"timestamp", "@timestamp", "time", "ts"};
constexpr std::array<std::string_view, 2> kHostNames = {"host", "hostname"};
constexpr std::array<std::string_view, 2> kSeverityNames = {"level", "severity"};
constexpr std::array<std::string_view, 2> kMessageNames = {"message", "msg"};

void look_at(std::size_t at, const JsonMember& member, Known& known) {
  if (member.name.empty()) return;
  switch (member.name.front()) {
    case '@':
    case 't': return look_at(at, member, kTimeNames, read_time, known.timestamp);
    case 'h': return look_at(at, member, kHostNames, read_text, known.host);
    case 'l':
    case 's': return look_at(at, member, kSeverityNames, read_severity, known.severity);
    case 'm': return look_at(at, member, kMessageNames, read_text, known.message);
    default: return;
  }
}

void write_known(std::span<const JsonMember> members, const Known& known, FieldWriter& fields) {
  if (known.timestamp.member != kNone) fields.time(Field::kTimestamp, known.timestamp.number);
  if (known.host.member != kNone)
    fields.string(Field::kHost, members[known.host.member].value.text);
  if (known.severity.member != kNone) fields.integer(Field::kSeverity, known.severity.number);
  if (known.message.member != kNone)
    fields.string(Field::kMessage, members[known.message.member].value.text);
}

Problem write_others(JsonObjectReader& reader, const Known& known, FieldWriter& fields) {
  const auto members = reader.members();
  std::optional<FieldWriter::Open> map;
  for (std::size_t at = 0; at < members.size(); ++at) {
    if (known.holds(at)) continue;
    if (!map) map = fields.begin_map(Field::kFields);
    if (const Problem problem = reader.write(members[at].name, members[at], fields)) return problem;
  }
  if (map) fields.end(*map);
  return {};
}

}  // namespace

Problem json_log_record(std::string_view object, const JsonOptions& options, FieldWriter& fields) {
  JsonObjectReader& reader = JsonObjectReader::of_this_thread();
  if (const Problem problem = reader.read(object, options.limits)) return problem;
  Known known;
  if (options.known_names) {
    const auto members = reader.members();
    for (std::size_t at = 0; at < members.size(); ++at) look_at(at, members[at], known);
    write_known(members, known, fields);
  }
  return write_others(reader, known, fields);
}

}  // namespace penstock
