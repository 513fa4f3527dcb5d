#include "server/commands/send/framing.h"

namespace penstock {

namespace {

bool is_counted(SendFraming framing) noexcept {
  return framing == SendFraming::kOctetCounted || framing == SendFraming::kSyslogAuto;
}

}  // namespace

std::string frame_prefix(SendFraming framing, std::size_t size_bytes) {
  return is_counted(framing) ? std::to_string(size_bytes) + " " : std::string();
}

std::string_view frame_padding(SendFraming framing, std::string_view record) noexcept {
  return is_counted(framing) && record.ends_with('\n') ? "\n" : "";
}

std::string_view frame_suffix(SendFraming framing) noexcept {
  switch (framing) {
    case SendFraming::kNewline: return "\n";
    case SendFraming::kCrlf: return "\r\n";
    case SendFraming::kNul: return {"\0", 1};
    case SendFraming::kOctetCounted:
    case SendFraming::kSyslogAuto:
    case SendFraming::kNone: return {};
  }
  return {};
}

int frame_delimiter(SendFraming framing) noexcept {
  if (framing == SendFraming::kNewline || framing == SendFraming::kCrlf) return '\n';
  return framing == SendFraming::kNul ? '\0' : -1;
}

bool keeps_whole(SendFraming framing, Carrier carrier, std::string_view record) noexcept {
  if (framing == SendFraming::kNewline && record.ends_with('\r')) return false;
  if (carrier == Carrier::kMessages)
    return framing != SendFraming::kNone || !record.ends_with('\n');
  const int delimiter = frame_delimiter(framing);
  return delimiter < 0 || record.find(static_cast<char>(delimiter)) == std::string_view::npos;
}

}  // namespace penstock
