#include "server/sinks/nats/flight_table.h"

#include <algorithm>

namespace penstock {
namespace {

/// Due times of records that were answered are forgotten when they are more than those of others, and more than this.
constexpr std::size_t kFewDue = 1024;

}  // namespace

void FlightTable::add(Id id, std::size_t bytes, Clock::time_point now) {
  Flight& flight = flights_[id];
  bytes_ += bytes - flight.bytes;
  flight = {++attempts_, bytes};
  due_.push_back({id, flight.attempt, now + patience_});
  forget_stale();
}

bool FlightTable::end(Id id) {
  const auto found = flights_.find(id);
  if (found == flights_.end()) return false;
  bytes_ -= found->second.bytes;
  flights_.erase(found);
  return true;
}

void FlightTable::expire(Clock::time_point now, const std::function<void(Id)>& each) {
  while (!due_.empty() && due_.front().at <= now) {
    const Due due = due_.front();
    due_.pop_front();
    if (!is_current(due)) continue;
    end(due.id);
    each(due.id);
  }
}

void FlightTable::clear() {
  flights_.clear();
  due_.clear();
  bytes_ = 0;
}

bool FlightTable::is_current(const Due& due) const {
  const auto found = flights_.find(due.id);
  return found != flights_.end() && found->second.attempt == due.attempt;
}

void FlightTable::forget_stale() {
  if (due_.size() <= std::max(kFewDue, 2 * flights_.size())) return;
  std::erase_if(due_, [this](const Due& due) { return !is_current(due); });
}

}  // namespace penstock
