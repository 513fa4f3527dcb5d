#include "server/commands/send/payload.h"

#include "protocols/core/check.h"

namespace penstock {
namespace {

// A record is: before_pad, padding, after_pad, twelve digits, after_digits, trailing padding.
struct Shape {
  std::string_view before_pad;
  std::string_view after_pad;
  std::string_view after_digits;
  bool pad_last;  // the padding stands behind the digits, after a blank
};

constexpr Shape shape_of(PayloadKind kind) noexcept {
  switch (kind) {
    case PayloadKind::kSyslog:
      return {"<134>1 2026-01-01T00:00:00.000000Z penstock send 1 - - seq=", "", "", true};
    case PayloadKind::kRaw: return {"seq=", "", "", true};
    case PayloadKind::kJson: return {"{\"pad\":\"", "\",\"seq\":\"", "\"}", false};
    case PayloadKind::kStatsd: return {"penstock.send", ":1|c|#seq:", "", false};
  }
  return {};
}

std::string padding(std::size_t length, std::uint64_t seed) {
  std::string text(length, 'a');
  for (std::size_t i = 0; i < length; ++i) text[i] = static_cast<char>('a' + (i + seed % 26) % 26);
  return text;
}

}  // namespace

std::size_t smallest_payload(PayloadKind kind) noexcept {
  const Shape shape = shape_of(kind);
  return shape.before_pad.size() + shape.after_pad.size() + kSequenceDigits +
         shape.after_digits.size();
}

PayloadTemplate make_payload(PayloadKind kind, std::size_t size_bytes, std::uint64_t seed) {
  PENSTOCK_CHECK(size_bytes >= smallest_payload(kind));
  const Shape shape = shape_of(kind);
  const std::size_t room = size_bytes - smallest_payload(kind);
  PayloadTemplate payload;
  payload.text = shape.before_pad;
  if (!shape.pad_last) payload.text += padding(room, seed);
  payload.text += shape.after_pad;
  payload.sequence_at = payload.text.size();
  payload.text.append(kSequenceDigits, '0');
  payload.text += shape.after_digits;
  if (shape.pad_last && room > 0) payload.text += " " + padding(room - 1, seed);
  return payload;
}

std::string PayloadTemplate::record(std::uint64_t sequence) const {
  std::string copy = text;
  write_sequence(copy.data() + sequence_at, sequence);
  return copy;
}

void write_sequence(char* to, std::uint64_t sequence) noexcept {
  for (std::size_t i = kSequenceDigits; i-- > 0; sequence /= 10)
    to[i] = static_cast<char>('0' + sequence % 10);
}

std::optional<std::uint64_t> read_sequence(const char* from) noexcept {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < kSequenceDigits; ++i) {
    const unsigned digit = static_cast<unsigned char>(from[i]) - unsigned{'0'};
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

}  // namespace penstock
