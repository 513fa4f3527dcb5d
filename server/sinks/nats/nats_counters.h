#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "server/pipeline/sink.h"

namespace penstock {

/// What the metrics show of a NATS sink. One thread counts, any thread reads.
class NatsCounters {
 public:
  enum Index : std::size_t {
    kConnected,
    kConnections,
    kInFlightRecords,
    kInFlightBytes,
    kPublishedRecords,
    kPublishedBytes,
    kAckedRecords,
    kDuplicateRecords,
    kResentRecords,
    kAckTimeouts,
    kErrors,
    kEnd
  };

  void add(Index index, std::uint64_t count = 1) noexcept {
    values_[index].store(values_[index].load(std::memory_order_relaxed) + count,
                         std::memory_order_relaxed);
  }
  void set(Index index, std::uint64_t value) noexcept {
    values_[index].store(value, std::memory_order_relaxed);
  }
  std::vector<SinkMeasure> measures() const;

 private:
  std::array<std::atomic<std::uint64_t>, kEnd> values_{};
};

}  // namespace penstock
