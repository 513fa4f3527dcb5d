#pragma once

#include "protocols/collectd/options.h"
#include "protocols/forward/options.h"
#include "protocols/gelf/options.h"
#include "protocols/influx/options.h"
#include "protocols/json/options.h"
#include "protocols/lumberjack/options.h"
#include "protocols/relp/options.h"
#include "protocols/statsd/options.h"
#include "protocols/syslog/options.h"

namespace penstock {

/// What only one protocol has, of each of them: a listener's table `[listener.NAME]`.
struct ProtocolOptions {
  CollectdOptions collectd;
  ForwardOptions forward;
  GelfOptions gelf;
  InfluxOptions influx;
  JsonOptions json;
  LumberjackOptions lumberjack;
  RelpOptions relp;
  StatsdOptions statsd;
  SyslogOptions syslog;

  friend bool operator==(const ProtocolOptions&, const ProtocolOptions&) = default;
};

}  // namespace penstock
