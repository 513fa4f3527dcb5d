#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <unordered_map>

namespace penstock {

/// What was sent and is not acknowledged: each record by its id, with the time until which its answer must be here. Records
/// that are sent at the same pace all wait equally long, so those that wait longest are the first ones. No clock of its
/// own; one thread.
class FlightTable {
 public:
  using Clock = std::chrono::steady_clock;
  using Id = std::uint64_t;

  explicit FlightTable(Clock::duration patience) : patience_(patience) {}

  /// A record is sent, once more where it is here already: then it waits from now on.
  void add(Id id, std::size_t bytes, Clock::time_point now);
  /// It is answered, or nobody waits for it any more. False: it was not here.
  bool end(Id id);
  /// Ends all whose time is over, and names each.
  void expire(Clock::time_point now, const std::function<void(Id)>& each);
  void clear();

  std::size_t size() const noexcept { return flights_.size(); }
  std::size_t bytes() const noexcept { return bytes_; }
  /// Times that are kept, those of answered records among them.
  std::size_t remembered() const noexcept { return due_.size(); }

 private:
  struct Flight {
    std::uint64_t attempt = 0;
    std::size_t bytes = 0;
  };
  struct Due {
    Id id = 0;
    std::uint64_t attempt =
        0;  // another one than the flight's: it was answered or sent again since
    Clock::time_point at;
  };

  bool is_current(const Due& due) const;
  void forget_stale();

  const Clock::duration patience_;
  std::unordered_map<Id, Flight> flights_;
  std::deque<Due> due_;  // by time
  std::size_t bytes_ = 0;
  std::uint64_t attempts_ = 0;
};

}  // namespace penstock
