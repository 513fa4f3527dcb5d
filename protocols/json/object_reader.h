#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "protocols/core/event.h"
#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/json/tokens.h"

namespace penstock {

/// How much one object may hold. The defaults are the protocols' too.
struct JsonLimits {
  std::size_t max_depth =
      32;  ///< maps and arrays within each other, the object itself being the first
  std::size_t max_fields = 10'000;  ///< members and elements, on all levels together

  friend bool operator==(const JsonLimits&, const JsonLimits&) = default;
};

/// One member of an object. A view, as the reader's read() says.
struct JsonMember {
  std::string_view name;
  FieldValue value;       ///< of a kMap or kArray only the type: write() reads it
  std::size_t token = 0;  ///< for write()
};

/// Reads one JSON object (RFC 8259) at a time, members in the order in which they came, duplicates too. Texts without
/// escapes are views into the object, so that an event refers to its frame. No recursion.
///
///     auto& reader = JsonObjectReader::of_this_thread();
///     if (const Problem problem = reader.read(frame, limits)) ...
///     for (const JsonMember& member : reader.members())
///       if (const Problem problem = reader.write(member.name, member, fields)) ...
class JsonObjectReader {
 public:
  /// The one that a decoder uses: a connection's own would cost each of thousands what one at a time needs.
  static JsonObjectReader& of_this_thread();

  JsonObjectReader() = default;
  JsonObjectReader(const JsonObjectReader&) = delete;
  JsonObjectReader& operator=(const JsonObjectReader&) = delete;

  /// `object`: one object, blanks around it allowed. Members are good until the next call, and as long as `object` is. Of
  /// nested values only the brackets are counted here. A problem stands at its byte of `object`.
  Problem read(std::string_view object, const JsonLimits& limits);
  std::span<const JsonMember> members() const noexcept { return members_; }

  /// Writes a member of the last read() under `name`. A problem in a nested value shows here.
  Problem write(FieldName name, const JsonMember& member, FieldWriter& fields);

 private:
  enum class Item : std::uint8_t { kNext, kEnd, kProblem };
  struct Level {
    FieldWriter::Open open;
    bool map = false;
    bool first = true;
  };

  Problem read_members();
  bool read_member(JsonMember& member);
  Item next_item(bool first, char close);
  bool count_field();
  bool read_name(std::string_view& name);
  bool read_string(std::string_view& text);
  bool read_scalar(FieldValue& value);
  bool read_word(std::string_view word, FieldType type, bool truth, FieldValue& value);
  bool read_number(FieldValue& value);
  bool skip_nested();
  bool write_nested(FieldName name, FieldWriter& fields);
  bool write_item(FieldWriter& fields);
  bool write_value(FieldName name, FieldWriter& fields);
  bool open_level(FieldName name, FieldWriter& fields);
  bool unescape(std::string_view escaped, std::string_view& text);
  bool fail(const char* why, std::size_t at) noexcept;
  bool fail_here(const char* why) noexcept { return fail(why, tokens_.begin(at_)); }

  JsonTokens tokens_;
  JsonLimits limits_;
  std::string_view text_;
  std::size_t at_ = 0;  // the next token
  std::size_t fields_ = 0;
  Problem problem_;
  std::vector<JsonMember> members_;
  std::vector<Level> levels_;  // open in write_nested
  std::unique_ptr<char[]> unescaped_;
  std::size_t unescaped_capacity_ = 0, unescaped_used_ = 0;
};

}  // namespace penstock
