#pragma once

#include <string>

#include "protocols/syslog/decoder.h"
#include "tests/protocols/feed.h"

namespace penstock::test {

/// 2015-09-07 00:00:00 UTC: when messages of these tests arrive.
inline constexpr std::int64_t kReceived = 1'441'584'000'000'000'000;

/// The one event that `message` becomes as a datagram.
inline std::string parsed(std::string_view message, const SyslogOptions& options = {}) {
  Feed feed(make_syslog_decoder({}, options));
  feed.now.wall_ns = kReceived;
  feed.datagram(message);
  const std::vector<std::string> events = feed.events();
  return events.size() == 1 ? events[0] : std::to_string(events.size()) + " events";
}

}  // namespace penstock::test
