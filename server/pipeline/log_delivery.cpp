#include "server/pipeline/log_delivery.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock {

RouteLedger& route_of(const StoredBatch& stored, const FindRoute& find_route) {
  const std::vector<Segment>& segments = stored.batch.segments;
  return find_route(segments.empty() ? std::string_view() : segments.front().origin->listener);
}

void count_recovered(RouteLedger& route, std::uint64_t records) {
  route.recovered += records;
  route.queued += records;
}

QueueEntry LogDelivery::take(StoredBatch&& stored, bool recovered) {
  RouteLedger& route = route_of(stored, find_route_);
  if (recovered) count_recovered(route, stored.records);
  if (stored.damaged != 0) {
    route.queued -= stored.damaged;
    count_loss(route, RouteLoss::kDamaged, stored.damaged);
  }
  const std::uint64_t end = stored.end_record();
  auto sealed = std::make_shared<SealedBatch>(std::move(stored.batch), 1, nullptr);
  in_flight_.push_back({sealed.get(), end});
  return {std::move(sealed), &route, true};
}

/// From the back: behind one that a sink has for hours there may be as many done as the log holds.
std::deque<LogDelivery::InFlight>::iterator LogDelivery::find(const QueueEntry& entry) noexcept {
  const auto found =
      std::find_if(in_flight_.rbegin(), in_flight_.rend(),
                   [&](const InFlight& each) { return each.batch == entry.batch.get(); });
  return found == in_flight_.rend() ? in_flight_.end() : std::prev(found.base());
}

std::uint64_t LogDelivery::done(const QueueEntry& entry) {
  const auto found = find(entry);
  if (found == in_flight_.end()) return 0;
  found->batch = nullptr;
  found->done = true;
  std::uint64_t end = 0;
  for (; !in_flight_.empty() && in_flight_.front().done; in_flight_.pop_front())
    end = in_flight_.front().end;
  return end;
}

std::uint64_t LogDelivery::end_of(const QueueEntry& entry) noexcept {
  const auto found = find(entry);
  return found == in_flight_.end() ? 0 : found->end;
}

bool LogDelivery::keep(const QueueEntry& entry) noexcept {
  const auto found = find(entry);
  if (found == in_flight_.end()) return false;
  found->batch = nullptr;
  return true;
}

}  // namespace penstock
