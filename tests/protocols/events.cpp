#include "tests/protocols/events.h"

#include <array>
#include <cstdio>

namespace penstock::test {
namespace {

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      (out += '\\') += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      std::array<char, 8> hex{};
      std::snprintf(hex.data(), hex.size(), "\\x%02x", byte);
      out += hex.data();
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string hexadecimal(std::string_view bytes) {
  std::string out = "#";
  for (const char c : bytes) {
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%02x", static_cast<unsigned char>(c));
    out += hex.data();
  }
  return out;
}

std::string real(double value) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), "%.17g", value);
  std::string out = text.data();
  return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

std::string list(FieldReader reader, bool names);

std::string value_text(const FieldValue& value) {
  switch (value.type) {
    case FieldType::kNull: return "null";
    case FieldType::kBool: return value.boolean ? "true" : "false";
    case FieldType::kInt64: return std::to_string(value.integer);
    case FieldType::kUint64: return std::to_string(value.unsigned_integer);
    case FieldType::kDouble: return real(value.real);
    case FieldType::kTime: return '@' + std::to_string(value.integer);
    case FieldType::kNumber: return std::string(value.text);
    case FieldType::kString: return quoted(value.text);
    case FieldType::kBytes: return hexadecimal(value.text);
    case FieldType::kMap: return '{' + list(value.children, true) + '}';
    case FieldType::kArray: return '[' + list(value.children, false) + ']';
  }
  return {};
}

std::string list(FieldReader reader, bool names) {
  std::string out;
  for (FieldEntry entry; reader.next(entry);) {
    if (!out.empty()) out += ',';
    if (names) out += quoted(entry.name) + ':';
    out += value_text(entry.value);
  }
  return out;
}

}  // namespace

std::string to_text(const Event& event) { return '{' + list(event.fields(), true) + '}'; }

std::vector<std::string> events_of(const Batch& batch) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < batch.frames.size(); ++at) {
    const auto event = batch.event(at);
    out.push_back(event ? to_text(*event) : std::string(batch.bytes(batch.frames[at])));
  }
  return out;
}

}  // namespace penstock::test
