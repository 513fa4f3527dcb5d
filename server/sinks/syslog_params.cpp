#include "server/sinks/syslog_params.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "protocols/core/utc_text.h"
#include "server/pipeline/base64.h"
#include "server/sinks/metric_point.h"
#include "server/sinks/text_encoder.h"

namespace penstock::syslog_text {
namespace {

constexpr std::string_view kNotInNames = "=]\"";
constexpr std::size_t kNameBytes = 32;

void append_octal(std::string& out, unsigned char byte) {
  out += '#';
  for (const unsigned shift : {6u, 3u, 0u}) out += static_cast<char>('0' + ((byte >> shift) & 7u));
}

/// The names on the way to a value, with points between them, as far as an SD-NAME needs it: all of it, or where that is too
/// long its end, and in front a hash of all of it, which tells it from others with that end.
class Path {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * kFnvPrime;
    bytes_ += text.size();
    text.remove_prefix(text.size() - std::min(text.size(), kNameBytes));
    const std::size_t kept = std::min(size_, kNameBytes - text.size());
    std::memmove(end_.data(), end_.data() + size_ - kept, kept);
    text.copy(end_.data() + kept, text.size());
    size_ = kept + text.size();
  }

  void write(std::string& out) const {
    const std::string_view end(end_.data(), size_);
    if (bytes_ <= kNameBytes) return append_name(out, end, kNameBytes, kNotInNames);
    constexpr std::string_view kDigits = "0123456789abcdef";
    for (unsigned shift = 32; shift != 0;) out += kDigits[(hash_ >> (shift -= 4)) & 15u];
    out += '~';
    append_name(out, end.substr(kHashBytes + 1), kNameBytes, kNotInNames);
  }

 private:
  static constexpr std::size_t kHashBytes = 8;
  static constexpr std::uint32_t kFnvBasis = 2'166'136'261, kFnvPrime = 16'777'619;  // FNV-1a

  std::array<char, kNameBytes> end_{};  // the last bytes, size_ of them
  std::size_t size_ = 0;
  std::size_t bytes_ = 0;  // of all
  std::uint32_t hash_ = kFnvBasis;
};

Path path_of(std::string_view name) noexcept {
  Path path;
  path.add(name);
  return path;
}

std::string plain_text(const FieldValue& value) {
  std::string plain, memory;
  switch (value.type) {
    case FieldType::kBool: return value.boolean ? "true" : "false";
    case FieldType::kTime: append_time(plain, value.integer); break;
    case FieldType::kBytes: return base64_encode(value.text);
    case FieldType::kString: append_field_text(plain, as_utf8(value.text, memory)); break;
    default: append_numeric(plain, value);
  }
  return plain;
}

void append_param(std::string& out, const Path& name, const FieldValue& value) {
  constexpr std::string_view kEscaped = "\"\\]";
  out += ' ';
  name.write(out);
  out += "=\"";
  for (const char c : plain_text(value)) {
    if (kEscaped.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  out += '"';
}

bool is_nested(const FieldValue& value) noexcept {
  return value.type == FieldType::kMap || value.type == FieldType::kArray;
}

void append_members(std::string& out, const Path& prefix, FieldReader reader);

/// Of what is nested each value, under the names of all that it is in.
void append_params(std::string& out, Path path, const FieldValue& value) {
  if (!is_nested(value)) return append_param(out, path, value);
  path.add(".");
  append_members(out, path, value.children);
}

void append_members(std::string& out, const Path& prefix, FieldReader reader) {
  std::size_t element = 0;
  for (FieldEntry entry; reader.next(entry); ++element) {
    Path path = prefix;
    if (entry.name.empty())
      path.add(std::to_string(element));
    else
      path.add(entry.name);
    append_params(out, path, entry.value);
  }
}

/// Stands in the header, in an element of its own, or as the text.
bool stands_elsewhere(const FieldEntry& entry, Shown shown) noexcept {
  const FieldType type = entry.value.type;
  switch (entry.id) {
    case Field::kTimestamp: return type == FieldType::kTime;
    case Field::kFacility: return is_priority_part(entry.value, kMostFacility);
    case Field::kSeverity: return is_priority_part(entry.value, kMostSeverity);
    case Field::kHost:
    case Field::kApp:
    case Field::kProcid:
    case Field::kMsgid:
    case Field::kMessage: return type == FieldType::kString;
    case Field::kStructuredData: return type == FieldType::kMap;
    case Field::kTag: return shown.tag;
    default: return shown.full_message && entry.name == kFullMessage;
  }
}

/// Those of `fields` under their own names.
void append_other_params(std::string& out, const Event& event, Shown shown) {
  FieldReader reader = event.fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.id == Field::kFields && entry.value.type == FieldType::kMap)
      append_members(out, {}, entry.value.children);
    else if (!stands_elsewhere(entry, shown))
      append_params(out, path_of(entry.name), entry.value);
  }
}

/// An array of texts is one parameter several times.
void append_element_params(std::string& out, const FieldValue& params) {
  visit_children(params, [&](const FieldEntry& entry) {
    const Path path = path_of(entry.name);
    if (entry.value.type != FieldType::kArray) return append_param(out, path, entry.value);
    visit_children(entry.value,
                   [&](const FieldEntry& value) { append_param(out, path, value.value); });
  });
}

}  // namespace

void append_structured_data(std::string& out, const Event& event, Shown shown) {
  constexpr std::string_view kOthers = "fields@32473";
  std::string others;
  append_other_params(others, event, shown);
  const std::size_t begin = out.size();
  visit_map(event, Field::kStructuredData, [&](const FieldEntry& element) {
    out += '[';
    path_of(element.name).write(out);
    append_element_params(out, element.value);
    if (element.name == kOthers) out += std::exchange(others, {});  // no id comes twice (6.3.2)
    out += ']';
  });
  if (!others.empty()) out.append("[").append(kOthers).append(others) += ']';
  if (out.size() == begin) out += '-';
}

void append_name(std::string& out, std::string_view text, std::size_t most,
                 std::string_view special) {
  if (text.empty()) out += '-';
  for (const char c : text.substr(0, most)) {
    const bool good = c > ' ' && c < '\x7f' && special.find(c) == std::string_view::npos;
    out += good ? c : '_';
  }
}

void append_time(std::string& out, std::int64_t time_ns) {
  constexpr std::size_t kToMicroseconds = 26;  // the RFC has six digits at most
  std::array<char, kUtcTextBytes> text{};
  write_utc(time_ns, text.data());
  out.append(text.data(), kToMicroseconds) += 'Z';
}

void append_field_text(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte == 0x7f)
      append_octal(out, byte);
    else
      out += c;
  }
}

bool is_priority_part(const FieldValue& value, std::uint64_t most) noexcept {
  return (value.type == FieldType::kUint64 || value.type == FieldType::kInt64) &&
         value.unsigned_integer <= most;
}

}  // namespace penstock::syslog_text
