#pragma once

#include <string>

#include "server/admin/status.h"

namespace penstock::admin {

inline constexpr std::int64_t kSecond_ns = 1'000'000'000;

inline SinkStatus sink_named(std::string name, std::uint64_t queue_bytes = 0) {
  SinkStatus sink;
  sink.name = std::move(name);
  sink.queue_bytes = queue_bytes;
  sink.queue_max_bytes = 1000;
  return sink;
}

inline ListenerStatus listener_named(std::string name, std::uint64_t read_bytes = 0,
                                     std::uint64_t events = 0) {
  ListenerStatus listener;
  listener.totals.name = std::move(name);
  listener.totals.read_bytes = read_bytes;
  listener.totals.counts.events = events;
  return listener;
}

inline RouteStatus route_between(std::string listener, std::string sink,
                                 std::uint64_t delivered = 0) {
  RouteStatus route;
  route.totals.listener = std::move(listener);
  route.totals.sink = std::move(sink);
  route.totals.events = route.totals.delivered = delivered;
  return route;
}

inline Status status_at(std::int64_t seconds) {
  Status status;
  status.time_ns = seconds * kSecond_ns;
  return status;
}

}  // namespace penstock::admin
