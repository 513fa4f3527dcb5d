#pragma once

#include <cstddef>
#include <deque>
#include <utility>

#include "protocols/core/batch.h"

namespace penstock {

/// Senders wait for answers long before so many are open. Where a sink drops what comes behind one record that it cannot
/// write, nothing else would bound them.
inline constexpr std::size_t kMaxPendingAcks = 10'000;

/// What one connection still has to acknowledge, in the order in which it came. `Token` is what the protocol needs for
/// the answer. The connection's loop only.
template <class Token>
class PendingAcks {
 public:
  /// `id` is BatchWriter::acknowledge_later's.
  void add(BatchId id, Token token) { waiting_.emplace_back(id, std::move(token)); }

  /// Calls `answer(token)` for all that is complete with `id`, Decoder::on_complete's.
  template <class Answer>
  void complete(BatchId id, Answer&& answer) {
    for (; !waiting_.empty() && waiting_.front().first <= id; waiting_.pop_front())
      answer(waiting_.front().second);
  }

  bool empty() const noexcept { return waiting_.empty(); }
  std::size_t size() const noexcept { return waiting_.size(); }

 private:
  std::deque<std::pair<BatchId, Token>> waiting_;
};

}  // namespace penstock
