#include "server/sinks/json_fields.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include "protocols/core/utc_text.h"
#include "server/pipeline/base64.h"

namespace penstock {
namespace {

/// The longest number that to_chars gives of 64 bits, with a `.0`: room was asked for.
constexpr std::size_t kNumberBytes = 32;

constexpr std::size_t kMemberNameBytes = 24;
static_assert(kMemberNameBytes <= kJsonFieldsSlack + 1);

/// `,"name":` of a shared name, in as many bytes as two vectors copy, whatever its length.
struct MemberName {
  std::array<char, kMemberNameBytes> text{};
  std::uint8_t size = 0;
};

constexpr MemberName member_name(Field field) noexcept {
  MemberName member;
  const auto put = [&member](std::string_view text) {
    for (const char c : text) member.text[member.size++] = c;
  };
  put(",\"");
  put(to_string(field));
  put("\":");
  return member;
}

constexpr auto kMemberNames = [] {
  std::array<MemberName, static_cast<std::size_t>(Field::kCount)> names{};
  for (std::size_t field = 0; field < names.size(); ++field)
    names[field] = member_name(static_cast<Field>(field));
  return names;
}();

class Writer {
 public:
  explicit Writer(char* out) noexcept : out_(out) {}

  /// Each with a comma in front.
  void members(FieldReader reader) noexcept {
    for (FieldEntry entry; reader.next(entry);) member(entry);
  }

  void member(const FieldEntry& entry) noexcept {
    name(entry);
    value(entry.value);
  }

  void value(const FieldValue& value) noexcept {
    switch (value.type) {
      case FieldType::kNull: return put("null");
      case FieldType::kBool: return put(value.boolean ? "true" : "false");
      case FieldType::kInt64: return number(value.integer);
      case FieldType::kUint64: return number(value.unsigned_integer);
      case FieldType::kDouble: return real(value.real);
      case FieldType::kNumber: return put(value.text);
      case FieldType::kString: return quoted(value.text);
      case FieldType::kTime:
        *out_++ = '"';
        write_utc(value.integer, out_);
        out_ += kUtcTextBytes;
        *out_++ = '"';
        return;
      case FieldType::kBytes:
        *out_++ = '"';
        out_ = base64_write(value.text, out_);
        *out_++ = '"';
        return;
      case FieldType::kMap: return enclosed('{', '}', [&] { members(value.children); });
      case FieldType::kArray: return enclosed('[', ']', [&] { elements(value.children); });
    }
  }

  JsonTextEnd end() const noexcept { return {out_, utf8_}; }

 private:
  void put(std::string_view text) noexcept {
    std::memcpy(out_, text.data(), text.size());
    out_ += text.size();
  }

  void name(const FieldEntry& entry) noexcept {
    if (entry.id != Field::kNone) {
      const MemberName& name = kMemberNames[static_cast<std::size_t>(entry.id)];
      std::memcpy(out_, name.text.data(), name.text.size());
      out_ += name.size;
      return;
    }
    put(",\"");
    text(entry.name);
    put("\":");
  }

  void text(std::string_view value) noexcept {
    const JsonTextEnd written = write_json_text(value, out_);
    out_ = written.end;
    utf8_ = utf8_ && written.utf8;
  }

  void quoted(std::string_view value) noexcept {
    *out_++ = '"';
    text(value);
    *out_++ = '"';
  }

  template <class Number>
  void number(Number value) noexcept {
    out_ = std::to_chars(out_, out_ + kNumberBytes, value).ptr;
  }

  void real(double value) noexcept {
    if (!std::isfinite(value))
      return put(std::isnan(value) ? "\"NaN\"" : value > 0 ? "\"Infinity\"" : "\"-Infinity\"");
    char* const begin = out_;
    number(value);
    const auto says_double = [](char c) { return c == '.' || c == 'e'; };
    if (std::none_of(begin, out_, says_double)) put(".0");
  }

  /// What `write` writes begins with a comma, where it writes anything: the bracket takes its place.
  template <class Write>
  void enclosed(char open, char close, Write&& write) noexcept {
    char* const begin = out_;
    write();
    if (out_ == begin) ++out_;
    *begin = open;
    *out_++ = close;
  }

  void elements(FieldReader reader) noexcept {
    for (FieldEntry entry; reader.next(entry);) {
      *out_++ = ',';
      value(entry.value);
    }
  }

  char* out_;
  bool utf8_ = true;
};

}  // namespace

JsonTextEnd write_json_fields(const Event& event, char* out) noexcept {
  Writer writer(out);
  writer.members(event.fields());
  return writer.end();
}

JsonTextEnd write_json_member(const FieldEntry& member, char* out) noexcept {
  Writer writer(out);
  writer.member(member);
  return writer.end();
}

JsonTextEnd write_json_value(const FieldValue& value, char* out) noexcept {
  Writer writer(out);
  writer.value(value);
  return writer.end();
}

}  // namespace penstock
