#include "server/commands/send/framing.h"

namespace penstock {

std::string frame_prefix(SendFraming framing, std::size_t size_bytes) {
  const bool counted = framing == SendFraming::kOctetCounted || framing == SendFraming::kSyslogAuto;
  return counted ? std::to_string(size_bytes) + " " : std::string();
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

}  // namespace penstock
