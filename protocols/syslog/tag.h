#pragma once

#include <array>
#include <string_view>

#include "protocols/core/scanner.h"

namespace penstock::syslog {

struct Tag {
  std::string_view app, procid;
};

/// What a tag, and the name of a host, may have in it: `postfix/smtpd`, `sshd(pam_unix)`, `foo@bar`.
inline constexpr auto kTagBytes = [] {
  std::array<bool, 256> bytes{};
  for (const unsigned char c : std::string_view("_-./@%()+,#~")) bytes[c] = true;
  for (unsigned c = '0'; c <= '9'; ++c) bytes[c] = true;
  for (unsigned c = 'a'; c <= 'z'; ++c) bytes[c] = bytes[c - 'a' + 'A'] = true;
  return bytes;
}();
inline bool is_tag_byte(char c) noexcept { return kTagBytes[static_cast<unsigned char>(c)]; }

/// `TAG[PID]:` or `TAG:` and a blank, if there is one. Nothing is taken where it is not that: where TAG is too long, an
/// address of IPv6, a date, begins with `%`, is digits alone (Cisco's running number), or `CEF` or `LEEF`.
bool scan_tag(Scanner& in, Tag& tag) noexcept;

}  // namespace penstock::syslog
