#pragma once

#include "protocols/relp/options.h"
#include "protocols/syslog/options.h"

namespace penstock {

/// What only one protocol has, of each of them: a listener's table `[listener.NAME]`.
struct ProtocolOptions {
  SyslogOptions syslog;
  RelpOptions relp;

  friend bool operator==(const ProtocolOptions&, const ProtocolOptions&) = default;
};

}  // namespace penstock
