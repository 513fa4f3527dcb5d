#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/core/reason.h"
#include "server/pipeline/ledger.h"
#include "server/pipeline/quarantine_tally.h"
#include "server/pipeline/sink.h"

namespace penstock {

/// How far the server is, as `/readyz`, `/api/status` and the metrics name it.
enum class Phase : std::uint8_t { kStarting, kServing, kReading, kFlushing, kEnded };
std::string_view to_string(Phase phase) noexcept;  ///< `kReading` and `kFlushing` are `draining`

/// What the kernel holds of all sockets of one URL, by the last look at them (Sampler); bytes as `ss` shows them: tcp
/// and unix streams count payload, datagram sockets what their buffer is charged with (FACTS.md 43 to 45).
struct KernelTotals {
  std::uint64_t receive_queue_bytes = 0;   ///< Recv-Q, of connections or of the datagram socket
  std::uint64_t send_queue_bytes = 0;      ///< Send-Q
  std::uint64_t accept_queue = 0;          ///< connections that wait to be accepted
  std::uint64_t backlog = 0;               ///< how many may
  std::uint64_t receive_buffer_bytes = 0;  ///< sk_rcvbuf of datagram sockets

  KernelTotals& operator+=(const KernelTotals& other) noexcept;
};

struct UrlStatus {
  UrlTotals totals;
  KernelTotals kernel;
};

struct ListenerStatus {
  std::string protocol, framing;
  ListenerTotals totals;  ///< its `urls` are in `urls` here
  KernelTotals kernel;    ///< of all URLs
  std::vector<UrlStatus> urls;
  std::vector<std::string>
      shut_by;  ///< its gate is shut by these sinks, or by `memory`; empty: open
};

struct RouteStatus {
  RouteTotals totals;
  bool required = true;
};

/// A sink's queue on disk.
struct DiskQueueStatus {
  std::string path;
  std::uint64_t records = 0;               ///< kept and not delivered
  std::uint64_t bytes = 0, max_bytes = 0;  ///< of its files
  std::uint64_t segments = 0;
  std::uint64_t written_bytes = 0, syncs = 0, failed_syncs = 0,
                damaged_records = 0;  ///< since the start
  bool delivering = true;             ///< the sink took the last batch that it was given
  std::string delivery_error;         ///< while it does not
};

struct SinkStatus {
  std::string name, type;
  bool failing = false;   ///< the last write did not succeed
  bool taking = true;     ///< it, or its queue on disk, takes records; else the server is not ready
  bool diverted = false;  ///< given up at the stop
  std::string last_error;  ///< while it fails
  bool queue_open = true;
  std::uint64_t queue_bytes = 0, queue_peak_bytes = 0, queue_max_bytes = 0, queue_batches = 0;
  std::optional<DiskQueueStatus> disk;
  std::vector<SinkMeasure> measures;
};

struct MemoryStatus {
  std::uint64_t used_bytes = 0, max_bytes = 0;
  bool pressed = false;
  std::uint64_t idle_block_bytes = 0;  ///< kept for reuse
  std::uint64_t partial_bytes = 0;     ///< unfinished frames
  std::uint64_t decompressor_bytes = 0;
  std::uint64_t aggregate_bytes = 0;
};

struct QuarantineStatus {
  std::uint64_t entries = 0, dropped = 0, leftover = 0;
  std::vector<QuarantineCount> by_reason;
  std::vector<QuarantineSeen> last;  ///< the newest first
};

/// All that is known at one moment, as plain values: `/api/status`, `top` and the page show it, the metrics are written
/// from it.
struct Status {
  std::string version, host, config_file;
  int pid = 0;
  std::int64_t time_ns = 0, started_ns = 0;  ///< CLOCK_REALTIME
  Phase phase = Phase::kStarting;
  std::vector<std::string> not_ready;  ///< why `/readyz` says no; empty: ready
  std::uint64_t connections = 0, max_connections = 0;
  MemoryStatus memory;
  std::vector<LoopTotals> loops;
  std::vector<ListenerStatus> listeners;
  std::vector<RouteStatus> routes;
  std::vector<SinkStatus> sinks;
  QuarantineStatus quarantine;
};

}  // namespace penstock
