#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "server/pipeline/sealed_batch.h"

namespace penstock {

/// The in-order frontier of one intake: sinks report batches in any order and on any thread, the loop hears of them in
/// id order. Shared by the intake and its batches, so that a report that comes after the intake has gone finds nobody
/// and does no harm.
class Completion final : public CompletionHandler, public std::enable_shared_from_this<Completion> {
 public:
  using Task = std::function<void()>;
  /// Carries a task to the intake's loop, where it runs later (never inside the call): EventLoop::post.
  using Post = std::function<void(Task)>;
  /// `members`: the connections that the batch holds records of, or that asked for its acknowledgement; each once.
  using OnComplete =
      std::function<void(BatchId, Outcome, const std::vector<ConnectionId>& members)>;

  /// Loop: before the first track().
  void connect(Post post, OnComplete on_complete);
  /// Loop: from here on nothing is posted and nobody is called.
  void disconnect();

  /// Loop: a batch that will be reported. Ids follow each other without gaps.
  void track(BatchId id, std::vector<ConnectionId> members);
  /// Loop: tracked and not yet passed on to on_complete.
  std::size_t open() const noexcept { return waiting_.size(); }

  /// Any thread, once a tracked batch.
  void on_batch_complete(BatchId id, Outcome worst) override;

 private:
  struct Waiting {
    BatchId id = 0;
    std::vector<ConnectionId> members;
    Outcome outcome = Outcome::kDelivered;
    bool complete = false;
  };
  void complete(BatchId id, Outcome worst);

  // The loop's own.
  std::deque<Waiting> waiting_;
  OnComplete on_complete_;
  bool connected_ = false;

  std::mutex mutex_;  // held while posting: after disconnect() no thread is inside post_
  Post post_;
};

}  // namespace penstock
