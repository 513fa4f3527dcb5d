#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/admin/rates.h"
#include "server/admin/status.h"

namespace penstock::admin {

/// The last ten minutes, a point a second, in memory that does not grow: about 24 KiB and 2.4 KiB a sink. Not
/// synchronised.
class History {
 public:
  static constexpr std::size_t kPoints = 600;

  /// What `now` shows and how fast things moved since the look before; beyond kPoints the oldest point goes. Without a
  /// look before (`rates.seconds` is 0) there is no point to add.
  void add(const Status& now, const Rates& rates);
  std::size_t size() const noexcept { return size_; }

  /// Lists of the same length, oldest first: `time` (ms since 1970), `read_bytes_per_second`, `events_per_second`,
  /// `delivered_per_second`, `lost_per_second`, `receive_queue_bytes`, and in `queues` of each sink `fill`, its queue's
  /// share of the maximum (0 to 1 and a little over; null: there was no such sink yet). One line.
  std::string json() const;

 private:
  struct Point {
    std::int64_t time_ms = 0;
    double read_bytes = 0, events = 0, delivered = 0, lost = 0;
    std::uint64_t receive_queue_bytes = 0;
  };
  struct Queue {
    std::string sink;
    std::array<float, kPoints> fill;  // by index of the point; below 0: unknown
  };

  void match_queues(const std::vector<SinkStatus>& sinks);
  std::size_t index(std::size_t nth) const noexcept { return (begin_ + nth) % kPoints; }
  template <class Add>
  void add_list(JsonDocument& json, std::string_view name, Add&& add) const;

  std::array<Point, kPoints> points_{};
  std::vector<Queue> queues_;  // in the order of the sinks
  std::size_t begin_ = 0, size_ = 0;
};

}  // namespace penstock::admin
