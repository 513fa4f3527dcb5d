#include "protocols/gelf/message.h"

#include <cstdint>
#include <optional>

#include "protocols/core/epoch.h"

namespace penstock::gelf {
namespace {

constexpr std::int64_t kMostSeverity = 7;

/// The members that are lifted; each is the first of its name with a usable value.
struct Known {
  const JsonMember *version = nullptr, *timestamp = nullptr, *host = nullptr, *level = nullptr,
                   *short_message = nullptr, *message = nullptr, *full_message = nullptr;
  std::int64_t time_ns = 0, severity = 0;

  const JsonMember* text() const noexcept {
    return short_message != nullptr ? short_message : message;
  }
  bool holds(const JsonMember& member) const noexcept {
    return &member == version || &member == timestamp || &member == host || &member == level ||
           &member == text() || &member == full_message;
  }
};

bool is_text(const FieldValue& value) noexcept { return value.type == FieldType::kString; }

bool read_time(const FieldValue& value, std::int64_t& ns) noexcept {
  switch (value.type) {
    case FieldType::kInt64:
    case FieldType::kDouble:
    case FieldType::kNumber:
    case FieldType::kString: return epoch_seconds(value.text, ns);
    default: return false;
  }
}

bool read_level(const FieldValue& value, std::int64_t& severity) noexcept {
  if (is_text(value) && value.text.size() == 1)
    severity = value.text.front() - '0';
  else if (value.type == FieldType::kInt64)
    severity = value.integer;
  else
    return false;
  return severity >= 0 && severity <= kMostSeverity;
}

void keep_text(const JsonMember& member, const JsonMember*& place) noexcept {
  if (place == nullptr && is_text(member.value)) place = &member;
}

void look_at(const JsonMember& member, Known& known) {
  if (member.name.starts_with('_')) return;
  if (member.name == "short_message") return keep_text(member, known.short_message);
  if (member.name == "host") return keep_text(member, known.host);
  if (member.name == "version") return keep_text(member, known.version);
  if (member.name == "full_message") return keep_text(member, known.full_message);
  if (member.name == "message") return keep_text(member, known.message);
  if (member.name == "timestamp" && known.timestamp == nullptr) {
    if (read_time(member.value, known.time_ns)) known.timestamp = &member;
  } else if (member.name == "level" && known.level == nullptr) {
    if (read_level(member.value, known.severity)) known.level = &member;
  }
}

void write_known(const Known& known, FieldWriter& fields) {
  if (known.timestamp != nullptr) fields.time(Field::kTimestamp, known.time_ns);
  if (known.host != nullptr) fields.string(Field::kHost, known.host->value.text);
  if (known.level != nullptr) fields.integer(Field::kSeverity, known.severity);
  if (known.text() != nullptr) fields.string(Field::kMessage, known.text()->value.text);
  if (known.full_message != nullptr)
    fields.string(std::string_view("full_message"), known.full_message->value.text);
}

std::string_view own_name(std::string_view name) noexcept {
  return name.starts_with('_') && name.size() > 1 ? name.substr(1) : name;
}

}  // namespace

Problem parse_message(std::string_view object, const JsonLimits& limits, FieldWriter& fields) {
  JsonObjectReader& reader = JsonObjectReader::of_this_thread();
  if (const Problem problem = reader.read(object, limits)) return problem;
  Known known;
  for (const JsonMember& member : reader.members()) look_at(member, known);
  if (known.text() == nullptr && known.full_message == nullptr)
    return {"no GELF message: it has no short_message that is a text"};
  write_known(known, fields);
  std::optional<FieldWriter::Open> map;
  for (const JsonMember& member : reader.members()) {
    if (known.holds(member)) continue;
    if (!map) map = fields.begin_map(Field::kFields);
    if (const Problem problem = reader.write(own_name(member.name), member, fields)) return problem;
  }
  if (map) fields.end(*map);
  return {};
}

}  // namespace penstock::gelf
