#include "server/sinks/text_encoder.h"

#include <array>
#include <charconv>
#include <cstring>

#include "protocols/core/utf8.h"

namespace penstock {
namespace {

template <class Number>
void append(std::string& out, Number value) {
  std::array<char, 32> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

}  // namespace

void append_number(std::string& out, double value) { append(out, value); }
void append_number(std::string& out, std::int64_t value) { append(out, value); }
void append_number(std::string& out, std::uint64_t value) { append(out, value); }

bool append_numeric(std::string& out, const FieldValue& value) {
  switch (value.type) {
    case FieldType::kInt64: append(out, value.integer); return true;
    case FieldType::kUint64: append(out, value.unsigned_integer); return true;
    case FieldType::kDouble: append(out, value.real); return true;
    case FieldType::kNumber: out += value.text; return true;
    default: return false;
  }
}

std::string_view as_utf8(std::string_view text, std::string& memory) {
  if (is_utf8(text)) return text;
  return memory = with_replacements(text);
}

bool TextEncoder::encodes(const Batch& batch, std::size_t frame) const {
  const std::size_t most = most_bytes(batch, frame);
  return most != 0 && most <= longest_text(batch.frames[frame].size);
}

std::size_t TextEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                       std::size_t frame) const {
  if (!encodes(batch, frame)) return 0;
  line_.clear();
  write(batch, segment, frame, line_);
  const std::size_t bytes = line_.size();
  shrink();
  return bytes;
}

std::size_t TextEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                std::size_t last, EncodeBuffer& out) const {
  for (; first < last; ++first) {
    if (!encodes(batch, first)) continue;
    line_.clear();
    write(batch, segment, first, line_);
    if (!out.make_room(line_.size())) break;
    std::memcpy(out.end(), line_.data(), line_.size());
    out.advance_to(out.end() + line_.size());
  }
  shrink();
  return first;
}

void TextEncoder::shrink() const {
  if (line_.capacity() > EncodeBuffer::kUsualBytes) std::string().swap(line_);
}

}  // namespace penstock
