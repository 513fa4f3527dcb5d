#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "server/admin/status.h"
#include "server/net/endpoint.h"
#include "server/net/socket_survey.h"
#include "server/pipeline/tap_point.h"

namespace penstock::admin {

/// What the admin part asks of the server it belongs to. Called on the admin threads; never blocks for long and never
/// takes a lock that the read path takes.
struct Source {
  virtual ~Source() = default;

  /// Without the kernel's part, which the Sampler fills in.
  virtual Status status() const = 0;
  /// The listeners' sockets, for questions to the kernel. The same ones each time.
  virtual std::vector<Endpoint> endpoints() const = 0;
  /// Our side of all sockets that are open, from the loops; waits for them at most `wait`.
  virtual SocketSurvey sockets(std::chrono::milliseconds wait) const = 0;
  /// The config file as it was read, secrets hidden.
  virtual std::string config_text() const = 0;
  /// The stop begins, as at SIGTERM; false: it has already.
  virtual bool drain() = 0;
  /// As at SIGHUP.
  virtual void reopen() = 0;
  /// Of all listeners, in the order of the config; they stay until the admin part has ended.
  virtual std::vector<TapPoint*> tap_points() { return {}; }
};

}  // namespace penstock::admin
