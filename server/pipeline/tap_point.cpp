#include "server/pipeline/tap_point.h"

#include <cerrno>
#include <ctime>
#include <utility>

namespace penstock {
namespace {

/// Some microseconds. Who has the mutex lets it go within one, unless it has lost its processor meanwhile.
constexpr int kTries = 200;

std::unique_lock<std::mutex> lock_soon(std::mutex& mutex) noexcept {
  std::unique_lock lock(mutex, std::try_to_lock);
  for (int tries = 1; !lock && tries < kTries; ++tries) (void)lock.try_lock();
  return lock;
}

}  // namespace

void TapBell::ring() noexcept {
  if (!pending_.exchange(true)) ::sem_post(&rung_);
}

bool TapBell::wait(std::chrono::steady_clock::time_point until) noexcept {
  using namespace std::chrono;
  const auto since = until.time_since_epoch();
  timespec at{};
  at.tv_sec = static_cast<time_t>(duration_cast<seconds>(since).count());
  at.tv_nsec = static_cast<long>((duration_cast<nanoseconds>(since) % seconds(1)).count());
  while (::sem_clockwait(&rung_, CLOCK_MONOTONIC, &at) != 0) {
    if (errno != EINTR) return false;
  }
  pending_ = false;
  return true;
}

void TapPoint::put(const std::shared_ptr<SealedBatch>& batch) noexcept {
  const std::unique_lock lock = lock_soon(mutex_);
  if (lock && bell_ == nullptr) return;  // closed meanwhile
  if (!lock || count_ == kMaxWaiting) {
    unseen_.fetch_add(batch->events(), std::memory_order_relaxed);
    return;
  }
  waiting_[count_++] = batch;
  bell_->ring();
}

void TapPoint::open(TapBell& bell) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(bell_, &bell) == &bell) return;
  unseen_ = 0;
  tapped_ = true;
}

void TapPoint::close() {
  tapped_ = false;
  Taken released;  // outside the mutex
  const std::lock_guard lock(mutex_);
  bell_ = nullptr;
  count_ = 0;
  released.batches.swap(waiting_);
}

TapPoint::Taken TapPoint::take() {
  Taken taken;
  // What is put behind this look rings again. So the mutex is rarely held while a loop wants it.
  if (count_ == 0 && unseen_ == 0) return taken;
  const std::lock_guard lock(mutex_);
  taken.batches.swap(waiting_);
  count_ = 0;
  taken.unseen = unseen_.exchange(0, std::memory_order_relaxed);
  return taken;
}

}  // namespace penstock
