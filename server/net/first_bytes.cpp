#include "server/net/first_bytes.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

constexpr std::array<std::string_view, 9> kHttpMethods = {
    "GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "PRI * HTTP"};
constexpr std::string_view kProxyText = "PROXY ";                     // PROXY protocol, version 1
constexpr std::string_view kProxyBinary("\r\n\r\n\0\r\nQUIT\n", 12);  // version 2
constexpr std::string_view kTlsHandshake("\x16\x03", 2);              // RFC 8446 section 5.1

bool begins(std::string_view text, std::string_view with) noexcept {
  return text.substr(0, with.size()) == with;
}

/// MSG-LEN SP `<` (RFC 6587 section 3.4.1): the count of a syslog message.
bool is_counted(std::string_view first) noexcept {
  const std::size_t digits = std::min(first.find_first_not_of("0123456789"), first.size());
  return digits > 0 && digits <= 8 && first[0] != '0' && begins(first.substr(digits), " <");
}

}  // namespace

std::string_view first_bytes_hint(std::string_view first, bool lines) noexcept {
  if (begins(first, kTlsHandshake)) return "a TLS hello";
  if (begins(first, kProxyText) || begins(first, kProxyBinary)) return "a PROXY header";
  if (std::any_of(kHttpMethods.begin(), kHttpMethods.end(),
                  [&](auto method) { return begins(first, method); }))
    return "an HTTP request";
  if (lines && is_counted(first)) return "octet-counted frames";
  return {};
}

}  // namespace penstock
