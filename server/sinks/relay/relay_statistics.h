#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

#include "server/pipeline/sink.h"

namespace penstock {

/// What a relay sink counts of all its upstreams. The sink's thread writes, any thread reads.
struct RelayStatistics {
  using Number = std::atomic<std::uint64_t>;

  Number sent_bytes{0};  ///< that sockets took
  Number messages{0};    ///< datagrams and packets, chunks of protocol "forward"
  Number connections_opened{0};
  Number connections_lost{0};  ///< ended before the sink was closed
  Number upstreams_up{0};      ///< now
  Number failovers{0};  ///< batches or parts of them that another receiver got than the one before
  Number resends{0};    ///< batches or parts of them that were begun when a connection broke
  Number retries{0};    ///< batches that no receiver could take, or without progress for too long
  Number acks_awaited{0};  ///< now: chunks

  std::vector<SinkMeasure> measures() const;  ///< any thread
};

}  // namespace penstock
