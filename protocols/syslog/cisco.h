#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/scanner.h"
#include "protocols/syslog/message_time.h"

namespace penstock::syslog {

/// What Cisco's devices write between the priority and the message.
struct CiscoFront {
  bool timed = false;
  bool clock_is_right = false;  ///< of a time: see TimeScanner::scan_cisco
  std::int64_t ns = 0;
  std::string_view host;  ///< origin-id or the node of a router; may be empty
};

/// `[:] [NUMBER: ...] TIME: `, a NUMBER being the running number of the logging process or `service sequence-numbers`, with
/// an origin (`logging origin-id`, or the node of IOS XR, behind which stands no blank) in front of, between or behind them:
///
///     88: rtr1: 000012: *Oct  8 11:22:33.123 UTC:
///     86: RP/0/RSP0/CPU0:Oct  8 11:22:33.123 UTC:
///     : 2026 Oct  8 11:22:33 EST:
///
/// Without a time, or with how long the device is up (`00:01:23`, `1w2d`), only where a NUMBER or a colon is in front and
/// `%FACILITY-SEVERITY-MNEMONIC` behind. Nothing is taken where it is not that.
bool scan_cisco_front(Scanner& in, const TimeScanner& times, CiscoFront& front) noexcept;

/// `%LINK-3-UPDOWN`, `%PKT_INFRA-LINK-3-UPDOWN`: what its message begins with.
bool at_mnemonic(const Scanner& in) noexcept;

/// Whether one may begin with this byte behind a time and a host, where a relay wrote them in front of it.
inline bool may_begin_cisco_front(char c) noexcept {
  return Scanner::is_digit(c) || c == ':' || c == '*' || c == '.';
}

/// `1 1615558893.123456789 MX84 `, as Meraki's devices write it. Nothing is taken where it is not that.
bool scan_meraki_front(Scanner& in, std::int64_t& ns, std::string_view& host) noexcept;

}  // namespace penstock::syslog
