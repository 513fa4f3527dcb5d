#include "server/pipeline/completion.h"

#include <utility>

#include "protocols/core/check.h"

namespace penstock {

void Completion::connect(Post post, OnComplete on_complete) {
  on_complete_ = std::move(on_complete);
  connected_ = true;
  const std::lock_guard lock(mutex_);
  post_ = std::move(post);
}

void Completion::disconnect() {
  connected_ = false;  // on_complete_ stays: it may be what is calling us
  waiting_.clear();
  const std::lock_guard lock(mutex_);
  post_ = nullptr;
}

void Completion::track(BatchId id, std::vector<ConnectionId> members) {
  PENSTOCK_CHECK(connected_);
  PENSTOCK_CHECK(waiting_.empty() || id == waiting_.back().id + 1);
  waiting_.push_back({id, std::move(members)});
}

void Completion::on_batch_complete(BatchId id, Outcome worst) {
  const std::lock_guard lock(mutex_);
  if (post_) post_([self = shared_from_this(), id, worst] { self->complete(id, worst); });
}

void Completion::complete(BatchId id, Outcome worst) {
  if (!connected_) return;
  PENSTOCK_CHECK(!waiting_.empty() && id >= waiting_.front().id && id <= waiting_.back().id);
  Waiting& batch = waiting_[id - waiting_.front().id];
  PENSTOCK_CHECK(!batch.complete);
  batch.complete = true;
  batch.outcome = worst;
  while (connected_ && !waiting_.empty() && waiting_.front().complete) {
    const Waiting next = std::move(waiting_.front());
    waiting_.pop_front();
    on_complete_(next.id, next.outcome, next.members);
  }
}

}  // namespace penstock
