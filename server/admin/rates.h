#pragma once

#include <string>
#include <vector>

#include "server/admin/json.h"
#include "server/admin/status.h"

namespace penstock::admin {

/// What moved between two looks at the server, a second.
struct Rates {
  /// `lost` are records that come to no sink: kernel drops, datagrams turned away by the stop, frames rejected.
  struct Listener {
    std::string name;
    double read_bytes = 0, events = 0, lost = 0;
  };
  /// `lost` are records that the route took and the sink did not; those left over for the next start are not lost.
  struct Route {
    std::string listener, sink;
    double events = 0, delivered = 0, lost = 0;
  };
  struct Sink {
    std::string name;
    double delivered = 0, lost = 0;  ///< of all its routes
  };

  double seconds = 0;  ///< between the looks; 0: there was none before, all rates are 0
  double read_bytes = 0, events = 0;
  double delivered = 0;  ///< a record once for each sink that has it
  double lost = 0;       ///< of all listeners and routes
  std::vector<Listener> listeners;
  std::vector<Route> routes;
  std::vector<Sink> sinks;
};

/// Parts are matched by name, so that one that came or went between the two does not show another's counts.
Rates rates_between(const Status& before, const Status& now);

/// The member `rates` of an object that is open; names end in `_per_second`.
void add_rates(JsonDocument& json, const Rates& rates);

}  // namespace penstock::admin
