#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string_view>

#include "server/pipeline/batch_source.h"
#include "server/queue/batch_codec.h"

namespace penstock {

/// The ledger of the route from a listener, by its name. Any thread.
using FindRoute = std::function<RouteLedger&(std::string_view listener)>;

/// The route that the records of a stored batch came on. Damaged ones go with the first: a batch is of one listener.
RouteLedger& route_of(const StoredBatch& stored, const FindRoute& find_route);

/// Records that an earlier process has left: they are events of this one's ledger from here on.
void count_recovered(RouteLedger& route, std::uint64_t records);

/// Batches of a disk log on their way to a sink: which are there, and up to where everything is done. A sink's thread.
class LogDelivery {
 public:
  explicit LogDelivery(FindRoute find_route) : find_route_(std::move(find_route)) {}

  /// `recovered`: an earlier process has put it in the log. Damaged records are counted as lost here.
  QueueEntry take(StoredBatch&& stored, bool recovered);

  bool holds(const QueueEntry& entry) noexcept { return find(entry) != in_flight_.end(); }
  /// The sink has the entry. Gives the record before which everything is done, or 0 where an earlier batch is not.
  std::uint64_t done(const QueueEntry& entry);
  /// Behind the entry's last record, or 0 where it is not here.
  std::uint64_t end_of(const QueueEntry& entry) noexcept;
  /// The entry goes unsent, and is never done. False: it is not here.
  bool keep(const QueueEntry& entry) noexcept;
  bool idle() const noexcept { return in_flight_.empty(); }

 private:
  struct InFlight {
    const SealedBatch* batch = nullptr;  // null once it may be gone: another one may lie there then
    std::uint64_t end = 0;               // record
    bool done = false;
  };

  std::deque<InFlight>::iterator find(const QueueEntry& entry) noexcept;

  const FindRoute find_route_;
  std::deque<InFlight> in_flight_;  // in the log's order
};

}  // namespace penstock
