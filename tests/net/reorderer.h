#pragma once

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <vector>

#include "server/pipeline/settlement.h"
#include "server/pipeline/sink_queue.h"

namespace penstock::test {

/// Stands where a SinkRunner does, for a sink with several batches in flight: collects some, then settles them in any
/// order, so that completions reach the loops out of order.
class Reorderer {
 public:
  Reorderer() : queue_(std::size_t{8} << 20, {}), thread_([this] { run(); }) {}
  ~Reorderer() { finish(); }

  SinkQueue& queue() { return queue_; }
  /// No more batches will come.
  void finish() {
    queue_.finish();
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    std::mt19937 random(1);
    while (!queue_.finished()) {
      std::vector<QueueEntry> some;
      while (some.size() < 8) {
        auto entry = queue_.pop(std::chrono::milliseconds(3));
        if (!entry) break;
        queue_.claim(*entry);
        some.push_back(std::move(*entry));
      }
      std::shuffle(some.begin(), some.end(), random);
      for (const QueueEntry& entry : some) {
        settle_delivered(entry);
        queue_.done(entry);
      }
    }
  }

  SinkQueue queue_;
  std::thread thread_;
};

}  // namespace penstock::test
