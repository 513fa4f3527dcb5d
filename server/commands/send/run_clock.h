#pragma once

#include <cstdint>
#include <limits>

#include "server/commands/send/clock.h"
#include "server/commands/send/pacer.h"
#include "server/commands/send/sender.h"

namespace penstock {

/// The times of one run: pacing, its end by duration or signal, the progress line.
class RunClock {
 public:
  explicit RunClock(const SendPlan& plan)
      : plan_(&plan),
        start_ns_(monotonic_ns()),
        pacer_(plan.rate, start_ns_),
        next_progress_ns_(start_ns_ + kSecond) {}

  /// Reads the clock and calls progress when it is time.
  std::int64_t tick(std::uint64_t sent) {
    now_ns_ = monotonic_ns();
    if (now_ns_ >= next_progress_ns_ && plan_->progress) {
      next_progress_ns_ = now_ns_ + kSecond;
      plan_->progress(sent);
    }
    return now_ns_;
  }
  bool interrupted() const noexcept {
    return plan_->interrupt != nullptr && plan_->interrupt->load(std::memory_order_relaxed);
  }
  /// Time is up, or a signal said stop.
  bool over() const noexcept {
    return interrupted() || (plan_->duration_ns > 0 && now_ns_ - start_ns_ >= plan_->duration_ns);
  }
  /// When over() changes by time alone.
  std::int64_t over_ns() const noexcept {
    return plan_->duration_ns > 0 ? start_ns_ + plan_->duration_ns
                                  : std::numeric_limits<std::int64_t>::max();
  }
  double seconds() const noexcept { return static_cast<double>(monotonic_ns() - start_ns_) / 1e9; }
  Pacer& pacer() noexcept { return pacer_; }

 private:
  static constexpr std::int64_t kSecond = 1'000'000'000;
  const SendPlan* plan_;
  std::int64_t start_ns_;
  std::int64_t now_ns_ = start_ns_;
  Pacer pacer_;
  std::int64_t next_progress_ns_;
};

}  // namespace penstock
