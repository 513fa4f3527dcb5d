#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/result.h"

namespace penstock {

/// What `penstock top` needs of /api/status, at one moment.
struct ListenerSample {
  std::string name;
  std::uint64_t read_bytes = 0, events = 0, active = 0, paused = 0;
  std::uint64_t receive_queue_bytes = 0, accept_queue = 0;
  std::uint64_t kernel_drops = 0;
  std::uint64_t rejected = 0;        ///< frames, all reasons
  std::vector<std::string> shut_by;  ///< empty: its gate is open
};

struct SinkSample {
  std::string name, type, last_error;
  bool failing = false, queue_open = true;
  std::uint64_t queue_bytes = 0, queue_max_bytes = 0;  ///< of the one on disk, where there is one
  std::string
      delivery_error;  ///< why the queue on disk, which takes all, cannot hand on; else empty
  std::uint64_t delivered = 0, lost = 0, queued = 0;  ///< records, of all its routes
};

struct ReasonSample {
  std::string reason, listener;
  std::uint64_t count = 0;
};

/// One of the last entries of the quarantine; `bytes` are escaped by the server.
struct QuarantinedSample {
  std::string time, listener, peer, reason, bytes;
  std::uint64_t size = 0;
};

struct Sample {
  std::string version, host, phase;
  int pid = 0;
  double uptime_seconds = 0;
  bool ready = false;
  std::uint64_t connections = 0, max_connections = 0, paused = 0;
  std::uint64_t memory_bytes = 0, max_memory_bytes = 0;
  bool memory_pressed = false;
  std::vector<ListenerSample> listeners;
  std::vector<SinkSample> sinks;
  std::uint64_t quarantined = 0, quarantine_dropped = 0;
  std::vector<ReasonSample> reasons;
  std::vector<QuarantinedSample> last_quarantined;  ///< the newest first
};

/// Reads the document of /api/status; members that it does not know or miss are passed over.
Result<Sample> parse_sample(std::string_view json);

/// A row of /api/sockets.
struct PeerSample {
  std::string peer, command, url, listener, state, phase, paused_by;
  double bytes_per_second = 0, events_per_second = 0, idle_seconds = 0,
         paused_seconds = -1;  ///< -1: it is read
  std::uint64_t receive_queue_bytes = 0, send_queue_bytes = 0, kernel_drops = 0;
  bool is_datagram = false;
};

Result<std::vector<PeerSample>> parse_peers(std::string_view json);

}  // namespace penstock
