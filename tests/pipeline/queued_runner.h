#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "server/pipeline/sink_queue.h"
#include "server/pipeline/sink_runner.h"

namespace penstock::test {

struct QueueBeforeRunner {
  SinkQueue in_memory;
};

/// A runner with the queue in memory that it takes from.
class QueuedRunner : private QueueBeforeRunner, public SinkRunner {
 public:
  QueuedRunner(std::string name, std::unique_ptr<Sink> sink, std::size_t queue_max_bytes,
               Quarantine& quarantine, Leftover& leftover, std::function<void()> on_open)
      : QueueBeforeRunner{SinkQueue(queue_max_bytes, std::move(on_open))},
        SinkRunner(std::move(name), std::move(sink), in_memory, quarantine, leftover) {}

  SinkQueue& queue() noexcept { return in_memory; }
};

}  // namespace penstock::test
