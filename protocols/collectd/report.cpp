#include "protocols/collectd/report.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <span>

#include "protocols/core/timestamp.h"

namespace penstock::collectd {
namespace {

constexpr std::int64_t kNanosPerMilli = 1'000'000;

std::span<const Value> values_of(const Report& report, const Contents& contents) noexcept {
  return std::span(contents.values).subspan(report.first_value, report.values);
}

template <class T>
void append_number(T number, std::string& text) {
  std::array<char, 32> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  text.append(digits.data(), end);
}

void append_value(const Value& value, std::string& text) {
  switch (value.kind) {
    case ValueKind::kGauge:
      if (std::isnan(value.real))
        text += 'U';
      else
        append_number(value.real, text);
      return;
    case ValueKind::kDerive: return append_number(value.integer, text);
    case ValueKind::kCounter:
    case ValueKind::kAbsolute: return append_number(value.unsigned_integer, text);
  }
}

/// Seconds with three digits of fraction, as collectd writes them.
void append_time(std::int64_t ns, std::string& text) {
  std::array<char, 40> digits;
  const std::int64_t ms = ns / kNanosPerMilli;
  const int size =
      std::snprintf(digits.data(), digits.size(), "%lld.%03lld", static_cast<long long>(ms / 1000),
                    static_cast<long long>(ms % 1000));
  text.append(digits.data(), static_cast<std::size_t>(size));
}

/// Whole seconds without a fraction.
void append_interval(std::int64_t ns, std::string& text) {
  if (ns % kNanosPerSecond == 0)
    append_number(ns / kNanosPerSecond, text);
  else
    append_time(ns, text);
}

void append_quoted(std::string_view word, std::string& text) {
  text += '"';
  for (const char c : word) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  text += '"';
}

/// As it is where it is one word.
void append_word(std::string_view word, std::string& text) {
  if (!word.empty() && word.find_first_of(" \t\"\\\r\n") == std::string_view::npos)
    text += word;
  else
    append_quoted(word, text);
}

void append_part(std::string_view name, std::string_view instance, std::string& text) {
  text += '/';
  text += name;
  if (instance.empty()) return;
  text += '-';
  text += instance;
}

void render_values(const Report& report, const Contents& contents, std::string& text) {
  const Identity& about = report.about;
  std::string id(about.host);
  append_part(about.plugin, about.plugin_instance, id);
  append_part(about.type, about.type_instance, id);
  text += "PUTVAL ";
  append_word(id, text);
  if (about.interval_ns) {
    text += " interval=";
    append_interval(*about.interval_ns, text);
  }
  text += ' ';
  if (about.time_ns)
    append_time(*about.time_ns, text);
  else
    text += 'N';  // now
  for (const Value& value : values_of(report, contents)) {
    text += ':';
    append_value(value, text);
  }
}

std::string_view severity_word(std::uint64_t severity) noexcept {
  switch (severity) {
    case 1: return "failure";
    case 2: return "warning";
    case 4: return "okay";
    default: return {};
  }
}

void append_option(std::string_view name, std::string_view value, std::string& text) {
  if (value.empty()) return;
  text += ' ';
  text += name;
  text += '=';
  append_word(value, text);
}

void render_notification(const Report& report, std::string& text) {
  const Identity& about = report.about;
  text += "PUTNOTIF";
  append_option("host", about.host, text);
  append_option("plugin", about.plugin, text);
  append_option("plugin_instance", about.plugin_instance, text);
  append_option("type", about.type, text);
  append_option("type_instance", about.type_instance, text);
  append_option("severity", severity_word(about.severity), text);
  if (about.time_ns) {
    text += " time=";
    append_time(*about.time_ns, text);
  }
  text += " message=";
  append_quoted(report.message, text);
}

std::string_view kind_word(ValueKind kind) noexcept {
  switch (kind) {
    case ValueKind::kCounter: return "counter";
    case ValueKind::kGauge: return "gauge";
    case ValueKind::kDerive: return "derive";
    case ValueKind::kAbsolute: break;
  }
  return "absolute";
}

void write_kind(std::span<const Value> values, FieldWriter& fields) {
  for (const Value& value : values) {
    if (value.kind != values.front().kind) return;
  }
  fields.string(Field::kKind, kind_word(values.front().kind));
}

/// Unsigned only where it has to be: not every database has that type.
void write_count(FieldName name, std::uint64_t count, FieldWriter& fields) {
  if (count <= std::uint64_t{INT64_MAX})
    fields.integer(name, static_cast<std::int64_t>(count));
  else
    fields.unsigned_integer(name, count);
}

void write_value(FieldName name, const Value& value, FieldWriter& fields) {
  switch (value.kind) {
    case ValueKind::kGauge: return fields.real(name, value.real);
    case ValueKind::kDerive: return fields.integer(name, value.integer);
    case ValueKind::kCounter:
    case ValueKind::kAbsolute: return write_count(name, value.unsigned_integer, fields);
  }
}

const std::vector<std::string>* sources_of(const Report& report, const Tables* tables) {
  if (tables == nullptr) return nullptr;
  const auto found = tables->types.find(report.about.type);
  if (found == tables->types.end() || found->second.size() != report.values) return nullptr;
  return &found->second;
}

void write_values(const Report& report, std::span<const Value> values, const Tables* tables,
                  FieldWriter& fields) {
  const auto* sources = sources_of(report, tables);
  const auto map = fields.begin_map(Field::kFields);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::string name = sources != nullptr ? (*sources)[i] : "value" + std::to_string(i);
    write_value(std::string_view(name), values[i], fields);
  }
  fields.end(map);
}

void write_tag(FieldName name, std::string_view value, FieldWriter& fields) {
  if (!value.empty()) fields.string(name, value);
}

void write_tags(const Identity& about, FieldWriter& fields) {
  const auto map = fields.begin_map(Field::kTags);
  write_tag(Field::kHost, about.host, fields);
  write_tag(std::string_view("plugin"), about.plugin, fields);
  write_tag(std::string_view("plugin_instance"), about.plugin_instance, fields);
  write_tag(Field::kType, about.type, fields);
  write_tag(std::string_view("type_instance"), about.type_instance, fields);
  fields.end(map);
}

/// RFC 5424 section 6.2.1.
std::optional<std::int64_t> syslog_severity(std::uint64_t severity) noexcept {
  switch (severity) {
    case 1: return 3;
    case 2: return 4;
    case 4: return 5;
    default: return std::nullopt;
  }
}

void write_notification(const Report& report, FieldWriter& fields) {
  const Identity& about = report.about;
  if (about.time_ns) fields.time(Field::kTimestamp, *about.time_ns);
  write_tag(Field::kHost, about.host, fields);
  write_tag(Field::kApp, about.plugin, fields);
  if (const auto severity = syslog_severity(about.severity))
    fields.integer(Field::kSeverity, *severity);
  fields.string(Field::kMessage, report.message);
  write_tags(about, fields);
}

}  // namespace

void render(const Report& report, const Contents& contents, std::string& text) {
  if (report.is_notification)
    render_notification(report, text);
  else
    render_values(report, contents, text);
}

void write_event(const Report& report, const Contents& contents, const Tables* tables,
                 FieldWriter& fields) {
  if (report.is_notification) return write_notification(report, fields);
  const Identity& about = report.about;
  const auto values = values_of(report, contents);
  std::string name(about.plugin);
  (name += '.') += about.type;
  fields.string(Field::kName, name);
  write_kind(values, fields);
  write_values(report, values, tables, fields);
  write_tags(about, fields);
  if (about.time_ns) fields.time(Field::kTimestamp, *about.time_ns);
  if (about.interval_ns)
    fields.real(Field::kInterval,
                static_cast<double>(*about.interval_ns) / static_cast<double>(kNanosPerSecond));
}

}  // namespace penstock::collectd
