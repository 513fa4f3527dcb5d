#pragma once

#include <algorithm>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <vector>

#include "server/pipeline/sink.h"

namespace penstock::test {

/// A sink that stands still while it is held, does what its script says, and keeps what it has delivered. All members
/// from any thread.
class ScriptedSink final : public Sink {
 public:
  using Script = std::function<WriteStatus(const Batch&)>;

  /// From the next batch on.
  void set_script(Script script) {
    const std::lock_guard lock(mutex_);
    script_ = std::move(script);
  }
  void hold() { set_held(true); }
  void release() { set_held(false); }

  std::vector<std::string> delivered() const {
    const std::lock_guard lock(mutex_);
    return delivered_;
  }
  std::size_t count() const {
    const std::lock_guard lock(mutex_);
    return delivered_.size();
  }
  bool holds(const std::string& record) const {
    const std::lock_guard lock(mutex_);
    return std::find(delivered_.begin(), delivered_.end(), record) != delivered_.end();
  }
  /// A batch has come and waits for release().
  bool waits() const {
    const std::lock_guard lock(mutex_);
    return waiting_;
  }

  Result<void> open() override { return {}; }
  WriteStatus write(const Batch& batch) override {
    std::unique_lock lock(mutex_);
    waiting_ = held_;
    changed_.wait(lock, [this] { return !held_ || interrupted_; });
    waiting_ = false;
    if (held_) return WriteStatus::kRetry;
    if (const Script script = script_) {
      lock.unlock();
      if (const WriteStatus status = script(batch); status != WriteStatus::kDelivered)
        return status;
      lock.lock();
    }
    for (const FrameRef& frame : batch.frames) delivered_.emplace_back(batch.bytes(frame));
    return WriteStatus::kDelivered;
  }
  std::vector<FrameRange> abandon(const Batch& batch) override {
    const std::lock_guard lock(mutex_);
    interrupted_ = false;
    return {{0, batch.frames.size()}};
  }
  Result<void> close() override { return {}; }
  void request_interrupt() noexcept override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  std::string last_error() const override { return "scripted"; }

 private:
  void set_held(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  Script script_;
  std::vector<std::string> delivered_;
  bool held_ = false, interrupted_ = false, waiting_ = false;
};

}  // namespace penstock::test
