#include "server/pipeline/sink_queue.h"

#include <algorithm>
#include <utility>

namespace penstock {

SinkQueue::SinkQueue(std::size_t max_bytes, std::function<void()> on_open)
    : max_bytes_(max_bytes), on_open_(std::move(on_open)) {}

bool SinkQueue::push(QueueEntry entry, bool drop_when_full) {
  std::unique_lock lock(mutex_);
  if (drop_when_full && !open_.load(std::memory_order_relaxed)) return false;
  fill_ += entry.batch->batch().charged_bytes;
  peak_ = std::max(peak_, fill_);
  ++charged_entries_;
  entries_.push_back(std::move(entry));
  idle_.store(false, std::memory_order_relaxed);
  if (fill_ >= max_bytes_) open_.store(false, std::memory_order_release);
  const bool sleeping = std::exchange(sleeping_, false);  // the next push need not wake it again
  lock.unlock();
  if (sleeping) ready_.notify_one();
  return true;
}

std::optional<QueueEntry> SinkQueue::pop(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  const auto until = std::chrono::steady_clock::now() + wait;
  while (entries_.empty() && !finished_ && !woken_) {
    sleeping_ = true;
    if (ready_.wait_until(lock, until) == std::cv_status::timeout) break;
  }
  sleeping_ = false;
  woken_ = false;
  if (entries_.empty()) return std::nullopt;
  in_flight_.push_back(std::move(entries_.front()));
  entries_.pop_front();
  return in_flight_.back();
}

bool SinkQueue::claim(const QueueEntry& entry) {
  const std::lock_guard lock(mutex_);
  const auto found =
      std::find_if(in_flight_.begin(), in_flight_.end(), [&](const QueueEntry& held) {
        return held.batch == entry.batch && held.route == entry.route;
      });
  if (found == in_flight_.end()) return false;
  in_flight_.erase(found);
  return true;
}

void SinkQueue::done(const QueueEntry& entry) {
  bool opened = false;
  {
    const std::lock_guard lock(mutex_);
    fill_ -= entry.batch->batch().charged_bytes;
    if (--charged_entries_ == 0) idle_.store(true, std::memory_order_relaxed);
    if (!open_.load(std::memory_order_relaxed) && fill_ <= max_bytes_ / 2) {
      open_.store(true, std::memory_order_release);
      opened = true;
    }
  }
  if (opened && on_open_) on_open_();
}

std::vector<QueueEntry> SinkQueue::seize() {
  const std::lock_guard lock(mutex_);
  std::vector<QueueEntry> taken = std::exchange(in_flight_, {});
  taken.insert(taken.end(), std::make_move_iterator(entries_.begin()),
               std::make_move_iterator(entries_.end()));
  entries_.clear();
  return taken;
}

void SinkQueue::finish() {
  const std::lock_guard lock(mutex_);
  finished_ = true;
  ready_.notify_one();
}

bool SinkQueue::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_ && entries_.empty();
}

void SinkQueue::wake() {
  const std::lock_guard lock(mutex_);
  woken_ = true;
  ready_.notify_one();
}

std::size_t SinkQueue::fill_bytes() const {
  const std::lock_guard lock(mutex_);
  return fill_;
}

SinkQueue::Fill SinkQueue::fill() const {
  const std::lock_guard lock(mutex_);
  return {fill_, peak_, charged_entries_};
}

std::size_t SinkQueue::peak_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

}  // namespace penstock
