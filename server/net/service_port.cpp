#include "server/net/service_port.h"

#include <arpa/inet.h>
#include <netdb.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <optional>
#include <string>

#include "server/net/url.h"

namespace penstock {
namespace {

struct Service {
  std::string_view protocol;
  std::string_view name;
  std::uint16_t port;
};

/// For hosts without /etc/services: Go's table, and what an ingestion endpoint is asked for.
constexpr std::array kBuiltIn = {
    Service{"udp", "domain", 53}, Service{"udp", "ntp", 123},
    Service{"udp", "snmp", 161},  Service{"udp", "syslog", 514},
    Service{"tcp", "domain", 53}, Service{"tcp", "ftp", 21},
    Service{"tcp", "ftps", 990},  Service{"tcp", "gopher", 70},
    Service{"tcp", "http", 80},   Service{"tcp", "https", 443},
    Service{"tcp", "imap2", 143}, Service{"tcp", "imap3", 220},
    Service{"tcp", "imaps", 993}, Service{"tcp", "pop3", 110},
    Service{"tcp", "pop3s", 995}, Service{"tcp", "smtp", 25},
    Service{"tcp", "ssh", 22},    Service{"tcp", "syslog", 514},
    Service{"tcp", "telnet", 23}, Service{"tcp", "syslog-tls", 6514},
};

/// A number as Go reads it; nullopt is a name. Out of range is kept out of range, however long the number.
std::optional<long> parse_number(std::string_view text) {
  constexpr long kFarTooLarge = 1L << 30;
  if (text.empty()) return 0;
  const bool negative = text.front() == '-';
  if (negative || text.front() == '+') text.remove_prefix(1);
  long number = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    number = std::min(number * 10 + (c - '0'), kFarTooLarge);
  }
  return negative ? -number : number;
}

std::optional<std::uint16_t> find_in_system(const std::string& name, const std::string& protocol) {
  servent entry{};
  servent* found = nullptr;
  std::array<char, 4096> buffer;
  if (getservbyname_r(name.c_str(), protocol.c_str(), &entry, buffer.data(), buffer.size(),
                      &found) != 0)
    return {};
  if (found == nullptr) return {};
  return ntohs(static_cast<std::uint16_t>(found->s_port));
}

std::optional<std::uint16_t> find_service(std::string_view name, std::string_view protocol) {
  const std::string written(name);
  std::string small = written;
  std::transform(small.begin(), small.end(), small.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  for (const std::string& spelling : {written, small}) {
    if (const auto port = find_in_system(spelling, std::string(protocol))) return port;
  }
  const auto row = std::find_if(kBuiltIn.begin(), kBuiltIn.end(), [&](const Service& service) {
    return service.protocol == protocol && service.name == small;
  });
  if (row == kBuiltIn.end()) return {};
  return row->port;
}

}  // namespace

Result<std::uint16_t> parse_port(std::string_view text, std::string_view protocol) {
  const std::string written(text);
  if (const auto number = parse_number(text)) {
    if (*number >= 0 && *number <= 65535) return static_cast<std::uint16_t>(*number);
    return fail(0, "invalid port " + shown(written) + ", expected 0 to 65535");
  }
  if (const auto port = find_service(text, protocol)) return *port;
  return fail(0, "unknown port " + shown(std::string(protocol) + '/' + written) +
                     ", expected 0 to 65535 or a service name of /etc/services");
}

}  // namespace penstock
