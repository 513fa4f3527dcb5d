#pragma once

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/decoder.h"
#include "server/pipeline/intake.h"
#include "server/pipeline/sink.h"
#include "tests/support/no_rejects.h"

namespace penstock::test {

struct NoReplies final : Replies {
  void send(std::string_view) override {}
};

inline const Origin kOrigin{"test", "tcp://127.0.0.1:5514"};

inline Peer peer(std::uint16_t port) {
  Peer peer;
  peer.kind = Peer::Kind::kInet4;
  peer.address = {127, 0, 0, 1};
  peer.port = port;
  return peer;
}

/// The loop's clock at `ms`.
inline Now at_ms(std::int64_t ms) { return {ms * 1'000'000, std::chrono::milliseconds(ms)}; }

/// Lines in, one record each; acknowledges every call's batch when asked to, and remembers what it was told.
class LineDecoder final : public Decoder {
 public:
  explicit LineDecoder(bool acknowledges = false) : acknowledges_(acknowledges) {}

  Consumed on_bytes(std::string_view input, Now, BatchWriter& writer, Replies&) override {
    std::size_t consumed = 0;
    for (auto end = input.find('\n'); end != input.npos; end = input.find('\n', consumed)) {
      const std::string_view line = input.substr(consumed, end - consumed);
      consumed = end + 1;
      writer.counts().framing_bytes += 1;
      if (!line.empty()) {
        writer.add(line, kFrameWhole, Shape::kLine);
      } else {
        ++writer.counts().frames;
        ++writer.counts().empty;
      }
    }
    if (acknowledges_ && consumed != 0) awaited.push_back(writer.acknowledge_later());
    return {consumed};
  }
  void on_datagram(std::string_view input, std::size_t, Now, BatchWriter& writer,
                   Replies&) override {
    writer.add(input, kFrameWhole, Shape::kOpaque);
  }
  void on_end(EndReason, std::string_view, BatchWriter&) override {}
  void on_complete(BatchId id, Outcome outcome, Replies&) override {
    completed.push_back({id, outcome});
  }
  bool quiescent() const override {
    return awaited.empty() || (!completed.empty() && completed.back().first >= awaited.back());
  }

  std::vector<BatchId> awaited;
  std::vector<std::pair<BatchId, Outcome>> completed;

 private:
  bool acknowledges_;
};

/// A stream connection's part: its tail, its decoder, the read straight into the block; with an account of its own.
class FakeConnection {
 public:
  FakeConnection(Intake& intake, ConnectionId id, bool acknowledges = false)
      : decoder(acknowledges), intake_(intake), id_(id) {}

  /// Reads until nothing is left, each time as much as there is room for.
  void read(std::string_view bytes, Now now) {
    do {
      const std::size_t room = intake_.room(tail_.size()).size() - tail_.size();
      read_once(bytes.substr(0, room), now);
      bytes.remove_prefix(std::min(room, bytes.size()));
    } while (!bytes.empty());
  }

  void publish() { account_->publish(); }

  LineDecoder decoder;
  std::unique_ptr<UrlCell> cell = std::make_unique<UrlCell>();

 private:
  void read_once(std::string_view bytes, Now now) {
    const std::span<char> room = intake_.room(tail_.size());
    tail_.copy(room.data(), tail_.size());
    bytes.copy(room.data() + tail_.size(), bytes.size());
    account_->add_read(bytes.size());
    const std::string_view input(room.data(), tail_.size() + bytes.size());
    BatchWriter writer = intake_.write(id_, peer(static_cast<std::uint16_t>(id_)), *account_, now,
                                       room.data() + input.size(), rejects_);
    const Consumed consumed = decoder.on_bytes(input, now, writer, replies_);
    intake_.commit(writer, input.data() + consumed.bytes);
    tail_ = input.substr(consumed.bytes);
  }

  std::unique_ptr<Account> account_ = std::make_unique<Account>(kOrigin, *cell);
  Intake& intake_;
  ConnectionId id_;
  std::string tail_;
  NoRejects rejects_;
  NoReplies replies_;
};

inline std::vector<std::string> records(const Batch& batch) {
  std::vector<std::string> all;
  for (const FrameRef& frame : batch.frames) all.emplace_back(batch.bytes(frame));
  return all;
}

/// A sink by script. `write` decides; what it says kDelivered to is kept.
class FakeSink final : public Sink {
 public:
  Result<void> open() override { return {}; }
  WriteStatus write(const Batch& batch) override {
    const WriteStatus status = on_write ? on_write(batch) : WriteStatus::kDelivered;
    if (status == WriteStatus::kDelivered)
      for (std::string& record : records(batch)) delivered.push_back(std::move(record));
    return status;
  }
  std::vector<FrameRange> abandon(const Batch& batch) override {
    return on_abandon ? on_abandon(batch) : std::vector<FrameRange>{{0, batch.frames.size()}};
  }
  std::size_t window() const noexcept override { return most_pending; }
  std::vector<Finished> poll(std::chrono::milliseconds) override { return on_poll(); }
  std::vector<Undeliverable> undeliverable(const Batch& batch) override {
    return on_undeliverable ? on_undeliverable(batch) : std::vector<Undeliverable>{};
  }
  void tick() override {
    if (on_tick) on_tick();
  }
  Result<void> close() override { return on_close ? on_close() : Result<void>{}; }
  void request_interrupt() noexcept override {
    const std::lock_guard lock(mutex_);
    interrupted_ = true;
    changed_.notify_all();
  }
  std::string last_error() const override { return "scripted"; }

  /// For on_write: stands still until request_interrupt or release().
  void hang() {
    std::unique_lock lock(mutex_);
    hanging_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return interrupted_ || released_; });
    hanging_ = false;
  }
  /// For on_write: stands still until release(), whatever is requested.
  void hang_deaf() {
    std::unique_lock lock(mutex_);
    hanging_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return released_; });
  }
  void await_hanging() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return hanging_; });
  }
  void release() {
    const std::lock_guard lock(mutex_);
    released_ = true;
    changed_.notify_all();
  }

  std::function<WriteStatus(const Batch&)> on_write;
  std::function<std::vector<Finished>()> on_poll;
  std::function<std::vector<Undeliverable>(const Batch&)> on_undeliverable;
  std::function<std::vector<FrameRange>(const Batch&)> on_abandon;
  std::function<Result<void>()> on_close;
  std::function<void()> on_tick;
  std::size_t most_pending = 1;
  std::vector<std::string> delivered;  ///< by write(); read after the thread has ended

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool interrupted_ = false, released_ = false, hanging_ = false;
};

/// EventLoop::post without the loop: tasks wait until the test runs them.
class TaskQueue {
 public:
  void post(std::function<void()> task) {
    const std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
    changed_.notify_all();
  }
  /// Runs what there is; gives how many.
  std::size_t run() {
    std::deque<std::function<void()>> tasks;
    {
      const std::lock_guard lock(mutex_);
      tasks.swap(tasks_);
    }
    for (auto& task : tasks) task();
    return tasks.size();
  }
  /// Waits for at least one task, runs what there is.
  void wait_and_run() {
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !tasks_.empty(); });
    }
    run();
  }
  std::function<void(std::function<void()>)> poster() {
    return [this](std::function<void()> task) { post(std::move(task)); };
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
};

}  // namespace penstock::test
