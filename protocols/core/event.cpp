#include "protocols/core/event.h"

#include <array>
#include <cstring>

#include "protocols/core/field_buffer.h"
#include "protocols/core/field_writer.h"

namespace penstock {
namespace {

/// to_string() as a table in memory: the function fills one on its stack each time.
constexpr auto kNames = [] {
  std::array<std::string_view, static_cast<std::size_t>(Field::kCount)> names;
  for (std::size_t field = 0; field < names.size(); ++field)
    names[field] = to_string(static_cast<Field>(field));
  return names;
}();

/// A form that is read from its front. FieldWriter wrote it: nothing in it is checked again.
class FormReader {
 public:
  FormReader(std::string_view form, std::string_view frame) noexcept
      : at_(form.data()), end_(form.data() + form.size()), frame_(frame) {}

  std::string_view rest() const noexcept { return {at_, static_cast<std::size_t>(end_ - at_)}; }

  std::uint8_t byte() noexcept { return static_cast<std::uint8_t>(*at_++); }
  std::size_t size() noexcept {
    std::uint32_t value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::int64_t eight() noexcept {
    std::int64_t value;
    std::memcpy(&value, at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string_view own_text() noexcept {
    const std::size_t bytes = size();
    const char* const text = at_;
    at_ += bytes;
    return {text, bytes};
  }
  std::string_view text_in_frame() noexcept {
    const std::size_t offset = size();
    return {frame_.data() + offset, size()};
  }
  FieldReader children() noexcept { return {own_text(), frame_}; }

 private:
  const char* at_;
  const char* end_;
  std::string_view frame_;
};

void read_name(FormReader& form, FieldEntry& entry) noexcept {
  const std::uint8_t first = form.byte();
  if (first < field_form::kOwnName) {
    entry.id = static_cast<Field>(first);
    entry.name = kNames[first];
    return;
  }
  entry.id = Field::kNone;
  entry.name = first == field_form::kOwnName ? form.own_text() : form.text_in_frame();
}

void read_value(FormReader& form, FieldValue& value) noexcept {
  const std::uint8_t first = form.byte();
  value.type = static_cast<FieldType>(first & ~field_form::kInFrame);
  switch (value.type) {
    case FieldType::kNull: break;
    case FieldType::kBool: value.boolean = form.byte() != 0; break;
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kDouble:
    case FieldType::kTime: value.integer = form.eight(); break;
    case FieldType::kNumber:
    case FieldType::kString:
    case FieldType::kBytes:
      value.text = (first & field_form::kInFrame) != 0 ? form.text_in_frame() : form.own_text();
      break;
    case FieldType::kMap:
    case FieldType::kArray: value.children = form.children(); break;
  }
}

}  // namespace

void FieldBuffer::grow_to(std::size_t capacity) {
  std::unique_ptr<char[]> grown(new char[capacity]);
  if (size_ != 0) std::memcpy(grown.get(), memory_.get(), size_);
  memory_ = std::move(grown);
  capacity_ = capacity;
}

char* FieldWriter::own_name(std::string_view text, std::size_t more) {
  text_bytes_ += text.size();
  const bool in = in_frame(text);
  const std::size_t bytes = in ? 9 : 5 + text.size();
  char* to = buffer_.reserve(bytes + more);
  buffer_.advance(bytes + more);
  *to = static_cast<char>(in ? field_form::kNameInFrame : field_form::kOwnName);
  if (in) {
    put32(to + 1, offset(text));
    put32(to + 5, text.size());
  } else {
    put32(to + 1, text.size());
    if (!text.empty()) std::memcpy(to + 5, text.data(), text.size());
  }
  return to + bytes;
}

bool FieldReader::next(FieldEntry& entry) noexcept {
  if (rest_.empty()) return false;
  FormReader form(rest_, frame_);
  read_name(form, entry);
  read_value(form, entry.value);
  rest_ = form.rest();
  return true;
}

Event::Event(const char* form, std::string_view frame) noexcept : frame_(frame) {
  FormReader header({form, field_form::kHeaderBytes}, {});
  const std::size_t bytes = header.size();
  text_bytes_ = header.size();
  shape_ = static_cast<EventShape>(header.byte());
  entries_ = {form + field_form::kHeaderBytes, bytes - field_form::kHeaderBytes};
}

std::optional<FieldValue> Event::find(Field id) const noexcept {
  FieldReader reader = fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.id == id) return entry.value;
  }
  return std::nullopt;
}

}  // namespace penstock
