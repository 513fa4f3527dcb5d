#include "server/sinks/record_template.h"

#include <algorithm>
#include <array>
#include <optional>

#include "protocols/core/check.h"
#include "protocols/core/timestamp.h"
#include "protocols/core/utc_text.h"
#include "server/sinks/calendar.h"
#include "server/sinks/text_encoder.h"

namespace penstock {
namespace {

using PartKind = config::PathPart::Kind;

std::int64_t whole_seconds(std::int64_t time_ns) noexcept {
  return time_ns / kNanosPerSecond - (time_ns % kNanosPerSecond < 0 ? 1 : 0);
}

std::string_view name_of(const FieldEntry& entry) noexcept {
  return entry.id == Field::kNone ? entry.name : to_string(entry.id);
}

std::optional<FieldValue> find_named(FieldReader fields, std::string_view name) {
  for (FieldEntry entry; fields.next(entry);) {
    if (name_of(entry) == name) return entry.value;
  }
  return std::nullopt;
}

std::optional<FieldValue> find_field(const Event& event, std::string_view name) {
  if (auto found = find_named(event.fields(), name)) return found;
  for (const Field map : {Field::kFields, Field::kTags}) {
    const auto of_sender = event.find(map);
    if (!of_sender || of_sender->type != FieldType::kMap) continue;
    if (auto found = find_named(of_sender->children, name)) return found;
  }
  return std::nullopt;
}

void append_value(const FieldValue& value, std::string& out) {
  switch (value.type) {
    case FieldType::kString:
    case FieldType::kBytes: out += value.text; break;
    case FieldType::kBool: out += value.boolean ? "true" : "false"; break;
    case FieldType::kTime: {
      std::array<char, kUtcTextBytes> text{};
      write_utc(value.integer, text.data());
      out.append(text.data(), text.size());
      break;
    }
    default: append_numeric(out, value);
  }
}

}  // namespace

Result<RecordTemplate> RecordTemplate::parse(std::string_view text, config::TimeZone zone) {
  auto parts = config::parse_record_template(text);
  if (!parts) return tl::unexpected(parts.error());
  return RecordTemplate(std::move(*parts), zone);
}

RecordTemplate RecordTemplate::checked(std::string_view text, config::TimeZone zone) {
  auto parsed = parse(text, zone);
  PENSTOCK_CHECK(parsed.has_value());
  return std::move(*parsed);
}

RecordTemplate::RecordTemplate(std::vector<config::PathPart> parts, config::TimeZone zone)
    : parts_(std::move(parts)),
      zone_(zone),
      by_record_(std::any_of(parts_.begin(), parts_.end(), [](const config::PathPart& part) {
        return part.kind == PartKind::kField;
      })) {}

void RecordTemplate::append(const Batch& batch, const Segment& segment, std::size_t frame,
                            std::string& out, Edit edit) const {
  for (const config::PathPart& part : parts_) {
    const std::size_t from = out.size();
    append_part(part, batch, segment, frame, out);
    if (edit != nullptr && part.kind != PartKind::kLiteral) edit(out, from);
  }
}

void RecordTemplate::append_part(const config::PathPart& part, const Batch& batch,
                                 const Segment& segment, std::size_t frame,
                                 std::string& out) const {
  const std::string_view url = segment.origin->url;
  switch (part.kind) {
    case PartKind::kLiteral: out += part.text; break;
    case PartKind::kListener: out += segment.origin->listener; break;
    case PartKind::kUrl: out += url; break;
    case PartKind::kScheme: out += url.substr(0, url.find("://")); break;
    case PartKind::kPeer: out += address_text(segment.peer); break;
    case PartKind::kTime: {
      const std::int64_t seconds = whole_seconds(segment.time_ns);
      append_time(out, part.text, seconds, calendar_of(seconds, zone_));
      break;
    }
    case PartKind::kField:
      if (const auto event = batch.event(frame)) append_field(*event, part.text, out);
      break;
  }
}

void append_field(const Event& event, std::string_view name, std::string& out) {
  if (const auto value = find_field(event, name)) append_value(*value, out);
}

}  // namespace penstock
