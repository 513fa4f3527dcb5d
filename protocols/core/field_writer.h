#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocols/core/field.h"
#include "protocols/core/field_buffer.h"

namespace penstock {

/// The form of an event in a FieldBuffer. Integers are little endian, as the machine has them, and not aligned.
///
///     event  = size u32, text_bytes u32, shape u8, entry*      size: of all of it
///     entry  = name, value
///     name   = id u8 (a Field) | 0xfe, size u32, bytes | 0xff, offset u32, size u32
///     value  = type u8 (a FieldType), then
///              nothing (null) | u8 (bool) | 8 bytes (int64, uint64, double, time)
///              | size u32, bytes (number, string, bytes) | the same with 0x80 in the type: offset u32, size u32
///              | size u32, entry* (map, array)
///
/// An offset points into the event's frame, so that texts which stand there unchanged are not copied. text_bytes is the
/// sum of the sizes of all texts and names, an encoder's bound.
namespace field_form {
inline constexpr std::uint8_t kOwnName = 0xfe;
inline constexpr std::uint8_t kNameInFrame = 0xff;
inline constexpr std::uint8_t kInFrame = 0x80;
inline constexpr std::size_t kHeaderBytes = 9;
}  // namespace field_form

/// Writes one event's fields, in the order in which they are to be shown. Texts inside `frame` are referred to, others
/// copied. Lives until BatchWriter::add_event takes it, or until it is forgotten: then nothing was written.
///
///     FieldWriter fields = writer.begin_event(frame, EventShape::kLog);
///     fields.string(Field::kHost, host);
///     const auto map = fields.begin_map(Field::kFields);
///     fields.integer("status", 200);
///     fields.end(map);
///     writer.add_event(fields, kFrameWhole, shape);
///
/// Names within one map are not checked: duplicates go on as they came. Nesting has no limit here; who reads a peer's
/// nested data must have one.
class FieldWriter {
 public:
  /// An open map or array, for end().
  struct Open {
    std::size_t at = 0;
    std::size_t text_bytes = 0;  // in front of it
  };

  FieldWriter(FieldBuffer& buffer, std::string_view frame, EventShape shape)
      : buffer_(buffer), frame_(frame), begin_(buffer.size()) {
    char* to = buffer_.reserve(field_form::kHeaderBytes);
    to[8] = static_cast<char>(shape);
    buffer_.advance(field_form::kHeaderBytes);
  }

  void null(FieldName name) { head(name, FieldType::kNull, 0); }
  void boolean(FieldName name, bool value) {
    *head(name, FieldType::kBool, 1) = static_cast<char>(value);
  }
  void integer(FieldName name, std::int64_t value) { eight(name, FieldType::kInt64, value); }
  void unsigned_integer(FieldName name, std::uint64_t value) {
    eight(name, FieldType::kUint64, value);
  }
  void real(FieldName name, double value) { eight(name, FieldType::kDouble, value); }
  /// Nanoseconds since 1970 UTC.
  void time(FieldName name, std::int64_t ns) { eight(name, FieldType::kTime, ns); }
  /// A number as decimal text (RFC 8259 section 6), which is not looked at.
  void number(FieldName name, std::string_view digits) { text(name, FieldType::kNumber, digits); }
  void string(FieldName name, std::string_view value) { text(name, FieldType::kString, value); }
  void bytes(FieldName name, std::string_view value) { text(name, FieldType::kBytes, value); }

  Open begin_map(FieldName name) { return begin(name, FieldType::kMap); }
  Open begin_array(FieldName name) { return begin(name, FieldType::kArray); }
  void end(Open open) noexcept { put32(buffer_.data() + open.at - 4, buffer_.size() - open.at); }

  /// Takes back what was written behind the beginning of `open`, which stays open.
  void empty(Open open) noexcept {
    buffer_.shrink_to(open.at);
    text_bytes_ = open.text_bytes;
  }

  std::string_view frame() const noexcept { return frame_; }

  /// Only for BatchWriter: where the event begins, after its header is complete.
  std::size_t finish() noexcept {
    put32(buffer_.data() + begin_, buffer_.size() - begin_);
    put32(buffer_.data() + begin_ + 4, text_bytes_);
    return begin_;
  }
  /// Takes all of it back.
  void forget() noexcept { buffer_.shrink_to(begin_); }

 private:
  static void put32(char* to, std::size_t value) noexcept {
    const auto narrow = static_cast<std::uint32_t>(value);
    std::memcpy(to, &narrow, sizeof narrow);
  }

  bool in_frame(std::string_view text) const noexcept {
    const auto from = reinterpret_cast<std::uintptr_t>(frame_.data());
    const auto at = reinterpret_cast<std::uintptr_t>(text.data());
    return at >= from && at + text.size() <= from + frame_.size();
  }
  std::size_t offset(std::string_view text) const noexcept {
    return static_cast<std::size_t>(text.data() - frame_.data());
  }

  /// Name and type, and room for `bytes` of value, which are counted; gives the place for them.
  char* head(FieldName name, FieldType type, std::size_t bytes, std::uint8_t type_bits = 0) {
    char* to;
    if (!name.is_own()) {
      to = buffer_.reserve(2 + bytes);
      *to++ = static_cast<char>(name.id());
      buffer_.advance(2 + bytes);
    } else {
      to = own_name(name.text(), 1 + bytes);
    }
    *to = static_cast<char>(static_cast<std::uint8_t>(type) | type_bits);
    return to + 1;
  }
  char* own_name(std::string_view text, std::size_t more);

  template <class T>
  void eight(FieldName name, FieldType type, T value) {
    static_assert(sizeof(T) == 8);
    std::memcpy(head(name, type, 8), &value, 8);
  }

  void text(FieldName name, FieldType type, std::string_view value) {
    text_bytes_ += value.size();
    if (in_frame(value)) {
      char* to = head(name, type, 8, field_form::kInFrame);
      put32(to, offset(value));
      put32(to + 4, value.size());
      return;
    }
    char* to = head(name, type, 4 + value.size());
    put32(to, value.size());
    if (!value.empty()) std::memcpy(to + 4, value.data(), value.size());
  }

  Open begin(FieldName name, FieldType type) {
    head(name, type, 4);
    return {buffer_.size(), text_bytes_};
  }

  FieldBuffer& buffer_;
  std::string_view frame_;
  std::size_t begin_;
  std::size_t text_bytes_ = 0;
};

}  // namespace penstock
