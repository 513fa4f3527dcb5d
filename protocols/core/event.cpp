#include "protocols/core/event.h"

#include <cstring>

#include "protocols/core/field_buffer.h"
#include "protocols/core/field_writer.h"

namespace penstock {
namespace {

std::size_t read32(std::string_view form, std::size_t at) noexcept {
  std::uint32_t value;
  std::memcpy(&value, form.data() + at, sizeof value);
  return value;
}

/// Takes `bytes` from the front.
std::string_view take(std::string_view& form, std::size_t bytes) noexcept {
  const std::string_view front = form.substr(0, bytes);
  form.remove_prefix(bytes);
  return front;
}

std::string_view take_own(std::string_view& form) noexcept {
  const std::size_t size = read32(form, 0);
  form.remove_prefix(4);
  return take(form, size);
}

std::string_view take_in_frame(std::string_view& form, std::string_view frame) noexcept {
  const std::string_view text = frame.substr(read32(form, 0), read32(form, 4));
  form.remove_prefix(8);
  return text;
}

void read_name(std::string_view& form, std::string_view frame, FieldEntry& entry) noexcept {
  const auto first = static_cast<std::uint8_t>(take(form, 1).front());
  if (first < field_form::kOwnName) {
    entry.id = static_cast<Field>(first);
    entry.name = to_string(entry.id);
    return;
  }
  entry.id = Field::kNone;
  entry.name = first == field_form::kOwnName ? take_own(form) : take_in_frame(form, frame);
}

void read_value(std::string_view& form, std::string_view frame, FieldValue& value) noexcept {
  const auto first = static_cast<std::uint8_t>(take(form, 1).front());
  value.type = static_cast<FieldType>(first & ~field_form::kInFrame);
  switch (value.type) {
    case FieldType::kNull: break;
    case FieldType::kBool: value.boolean = take(form, 1).front() != 0; break;
    case FieldType::kInt64:
    case FieldType::kUint64:
    case FieldType::kDouble:
    case FieldType::kTime: std::memcpy(&value.integer, take(form, 8).data(), 8); break;
    case FieldType::kNumber:
    case FieldType::kString:
    case FieldType::kBytes:
      value.text =
          (first & field_form::kInFrame) != 0 ? take_in_frame(form, frame) : take_own(form);
      break;
    case FieldType::kMap:
    case FieldType::kArray: value.children = FieldReader(take_own(form), frame); break;
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
  read_name(rest_, frame_, entry);
  read_value(rest_, frame_, entry.value);
  return true;
}

Event::Event(const char* form, std::string_view frame) noexcept : frame_(frame) {
  const std::string_view header(form, field_form::kHeaderBytes);
  text_bytes_ = read32(header, 4);
  shape_ = static_cast<EventShape>(header[8]);
  entries_ = {form + field_form::kHeaderBytes, read32(header, 0) - field_form::kHeaderBytes};
}

std::optional<FieldValue> Event::find(Field id) const noexcept {
  FieldReader reader = fields();
  for (FieldEntry entry; reader.next(entry);) {
    if (entry.id == id) return entry.value;
  }
  return std::nullopt;
}

}  // namespace penstock
