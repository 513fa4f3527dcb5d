#include "protocols/framed/send_framing.h"

#include <limits>

#include "protocols/json/problem.h"

namespace penstock {
namespace {

constexpr std::string_view kNul("\0", 1);

bool is_counted(SendFraming framing) noexcept {
  return framing == SendFraming::kOctetCounted || framing == SendFraming::kSyslogAuto;
}

std::uint64_t length_of(const LengthField& field, std::size_t size_bytes) noexcept {
  return size_bytes + (field.includes_header ? field.header_bytes() : 0);
}

std::string binary_header(const LengthField& field, std::size_t size_bytes) {
  std::string header(field.header_bytes(), '\0');
  std::uint64_t length = length_of(field, size_bytes);
  for (std::size_t i = 0; i < field.bytes; ++i, length >>= 8) {
    const std::size_t at = field.order == std::endian::little ? i : field.bytes - 1u - i;
    header[field.offset + at] = static_cast<char>(length & 0xff);
  }
  return header;
}

bool fits(const LengthField& field, std::size_t size_bytes) noexcept {
  const std::uint64_t most = field.bytes == 8 ? std::numeric_limits<std::uint64_t>::max()
                                              : (std::uint64_t{1} << 8 * field.bytes) - 1;
  return length_of(field, size_bytes) <= most;
}

// Unsigned LEB128.
std::string varint(std::uint64_t number) {
  std::string bytes;
  for (; number > 0x7f; number >>= 7) bytes += static_cast<char>((number & 0x7f) | 0x80);
  return bytes + static_cast<char>(number);
}

// White space around a value is framing to the receiver.
bool is_bare_json(std::string_view record) {
  constexpr std::string_view kSpace = " \t\r\n";
  if (record.empty() || kSpace.find(record.front()) != std::string_view::npos ||
      kSpace.find(record.back()) != std::string_view::npos)
    return false;
  return !json_problem(record);
}

// The first delimiter on the wire is the one behind the record.
bool ends_at_delimiter(std::string_view record, std::string_view delimiter) {
  if (delimiter.size() == 1) return record.find(delimiter) == std::string_view::npos;
  return (std::string(record) += delimiter).find(delimiter) == record.size();
}

}  // namespace

std::string frame_prefix(const FrameForm& form, std::size_t size_bytes) {
  switch (form.framing) {
    case SendFraming::kOctetCounted:
    case SendFraming::kSyslogAuto: return std::to_string(size_bytes) + " ";
    case SendFraming::kLengthPrefixed: return binary_header(form.length, size_bytes);
    case SendFraming::kVarint: return varint(size_bytes);
    default: return {};
  }
}

std::string_view frame_padding(const FrameForm& form, std::string_view record) noexcept {
  return is_counted(form.framing) && record.ends_with('\n') ? "\n" : "";
}

std::string_view frame_suffix(const FrameForm& form) noexcept {
  switch (form.framing) {
    case SendFraming::kNewline:
    case SendFraming::kJson: return "\n";
    case SendFraming::kCrlf: return "\r\n";
    case SendFraming::kNul: return kNul;
    case SendFraming::kDelimiter: return form.delimiter;
    default: return {};
  }
}

std::string_view frame_delimiter(const FrameForm& form) noexcept {
  if (form.framing == SendFraming::kNewline || form.framing == SendFraming::kCrlf) return "\n";
  if (form.framing == SendFraming::kNul) return kNul;
  return form.framing == SendFraming::kDelimiter ? std::string_view(form.delimiter)
                                                 : std::string_view();
}

bool can_carry(const FrameForm& form, Carrier carrier, std::string_view record) {
  if (carrier == Carrier::kMessages)
    return !frame_suffix(form).empty() || is_counted(form.framing) || !record.ends_with('\n');
  switch (form.framing) {
    case SendFraming::kLengthPrefixed: return fits(form.length, record.size());
    case SendFraming::kFixed: return record.size() == form.frame_bytes;
    case SendFraming::kJson: return is_bare_json(record);
    default: break;
  }
  const std::string_view delimiter = frame_delimiter(form);
  return delimiter.empty() || ends_at_delimiter(record, delimiter);
}

bool keeps_whole(const FrameForm& form, Carrier carrier, std::string_view record) {
  if (form.framing == SendFraming::kNewline && record.ends_with('\r')) return false;
  return can_carry(form, carrier, record);
}

}  // namespace penstock
