#include "server/sinks/text_encoder.h"

#include <array>
#include <charconv>
#include <cstring>

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

std::size_t TextEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                       std::size_t frame) const {
  line_.clear();
  write(batch, segment, frame, line_);
  return line_.size();
}

std::size_t TextEncoder::encode(const Batch& batch, const Segment& segment, std::size_t first,
                                std::size_t last, EncodeBuffer& out) const {
  for (std::size_t at = first; at < last; ++at) {
    line_.clear();
    write(batch, segment, at, line_);
    if (line_.empty()) continue;
    if (!out.make_room(line_.size())) return at;
    std::memcpy(out.end(), line_.data(), line_.size());
    out.advance_to(out.end() + line_.size());
  }
  return last;
}

}  // namespace penstock
