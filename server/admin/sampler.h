#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "server/admin/kernel_sockets.h"
#include "server/admin/source.h"

namespace penstock::admin {

/// Looks at the server once a second, on a thread of its own (`admin sampler`): what the kernel holds, what there is
/// to show. A request gets what it saw last, so that many readers cost no more than one.
class Sampler {
 public:
  static constexpr std::chrono::milliseconds kInterval{1000};

  /// `on_sample` is called on the sampler's thread behind each look; `source` outlives this.
  Sampler(Source& source, std::function<void(const Status&)> on_sample);
  ~Sampler();  ///< stops
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  /// Ends the thread: on_sample is not called any more. Harmless when repeated.
  void stop();

  /// Counts of now, with the kernel's part of the last look. Any thread.
  Status status() const;

 private:
  void run();
  void look();

  Source& source_;
  KernelSockets sockets_;  // own thread
  const std::function<void(const Status&)> on_sample_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable changed_;
  bool stopping_ = false;
  std::map<std::string, KernelTotals> kernel_totals_;  // by URL
  std::thread thread_;
};

}  // namespace penstock::admin
