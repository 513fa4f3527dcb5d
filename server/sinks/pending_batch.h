#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "protocols/core/batch.h"
#include "server/pipeline/sink.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// Of all batches of a sink together.
struct PendingTotals {
  std::size_t sent = 0;      ///< kSent and kAlone
  std::size_t suspects = 0;  ///< kSuspect and kAlone
};

/// A batch on its way to a broker that answers for each record: what has become of each of its frames. Its sink alone
/// touches it.
class PendingBatch {
 public:
  enum class State : std::uint8_t {
    kWaiting,    ///< to be sent
    kSent,       ///< sent, not yet answered
    kDelivered,  ///< the broker has said that it has it
    kSuspect,    ///< refused together with others: to be sent alone, to see whether it is to blame
    kAlone,      ///< the same, sent
    kRefused,    ///< never will be taken
    kUnencodable,  ///< has no form in the sink's encoding
  };

  /// `number` is part of the names of its records; the batch and `totals`, to which this one adds, outlive this.
  PendingBatch(const Batch& batch, std::uint32_t number, PendingTotals& totals)
      : batch_(&batch),
        number_(number),
        states_(batch.frames.size()),
        open_(states_.size()),
        totals_(totals) {}
  PendingBatch(const PendingBatch&) = delete;
  PendingBatch& operator=(const PendingBatch&) = delete;
  ~PendingBatch();

  const Batch& batch() const noexcept { return *batch_; }
  std::uint32_t number() const noexcept { return number_; }
  State state(std::size_t frame) const noexcept { return states_[frame]; }

  /// Keeps count of what the states say.
  void set(std::size_t frame, State state) noexcept;
  void refuse(std::size_t frame, std::string answer);  ///< kRefused
  /// Of what was sent nobody will tell any more: it waits again, and its records are named by `number`.
  void take_back(std::uint32_t number) noexcept;
  /// This frame, which was sent, waits again.
  void take_back(std::size_t frame) noexcept;

  bool ended() const noexcept { return open_ == 0; }  ///< nothing more is to be done
  std::size_t sent() const noexcept { return sent_; }
  std::size_t suspects() const noexcept { return suspects_; }

  /// The first frame that is in `state`, from `from` on; the number of frames where none is.
  std::size_t find(State state, std::size_t from = 0) const noexcept;
  /// Not known to be delivered, sorted.
  std::vector<FrameRange> undelivered() const;
  /// Those that are refused for good, with the answer.
  std::vector<Undeliverable> refused() const;

  /// Calls `send(segment, frame)` for each frame that waits, in order, until it says false; what has no form in the
  /// encoding is marked. False when `send` has said so.
  template <class Send>
  bool send_waiting(const Encoder& encoder, Send&& send);
  /// The segment that a frame lies in.
  const Segment& segment_of(std::size_t frame) const noexcept;
  /// Looks at all frames again.
  void rewind() noexcept { next_ = segment_ = 0; }

  // Where the sink is with it.
  bool pending = true;  ///< else the runner is to write it again
  bool failed = false;  ///< something of it waits for being written again

 private:
  const Batch* batch_;
  std::uint32_t number_;
  std::size_t next_ = 0;     // no frame before it is kWaiting
  std::size_t segment_ = 0;  // that next_ lies in, or one before it
  std::vector<State> states_;
  std::size_t open_, sent_ = 0, suspects_ = 0;
  struct Refusal {
    std::size_t frame;
    std::string answer;
  };
  std::vector<Refusal> refusals_;
  PendingTotals& totals_;
};

template <class Send>
bool PendingBatch::send_waiting(const Encoder& encoder, Send&& send) {
  for (; segment_ < batch_->segments.size(); ++segment_) {
    const Segment& segment = batch_->segments[segment_];
    const std::size_t end = std::size_t{segment.first} + segment.count;
    for (next_ = std::max<std::size_t>(next_, segment.first); next_ < end; ++next_) {
      if (states_[next_] != State::kWaiting) continue;
      if (!encoder.encodes(*batch_, next_))
        set(next_, State::kUnencodable);
      else if (!send(segment, next_))
        return false;
    }
  }
  return true;
}

/// All batches that a sink has on their way, in the order of write(), and what its runner is told of them.
class PendingBatches {
 public:
  /// Of Sink::write: holds it, anew or still, with all that waits of it to be sent.
  PendingBatch& begin(const Batch& batch);

  PendingBatch* find(const Batch& batch) noexcept;
  PendingBatch* find(
      std::uint32_t number) noexcept;  ///< quick for the number that was asked for last
  /// A number that no batch has had, but for those 2^32 numbers ago.
  std::uint32_t next_number() noexcept { return next_number_++; }

  /// Of Sink::write: what to say of it. kRetry: some of it failed and nothing is on its way; kDelivered: it is not held any
  /// more.
  WriteStatus settle(PendingBatch& held);
  /// Of Sink::poll.
  std::vector<Finished> take_ended();
  /// The oldest batch goes back as kRetry, so that trouble is seen; what is on its way of it stays there. False when one has
  /// gone back already.
  bool give_back_oldest(std::vector<Finished>& finished);
  /// Of Sink::abandon.
  std::vector<FrameRange> abandon(const Batch& batch);
  /// Of Sink::undeliverable.
  std::vector<Undeliverable> undeliverable(const Encoder& encoder, const Batch& batch);

  const PendingTotals& totals() const noexcept { return totals_; }
  bool empty() const noexcept { return batches_.empty(); }
  auto begin() noexcept { return batches_.begin(); }
  auto end() noexcept { return batches_.end(); }

 private:
  void erase(const PendingBatch& held);

  PendingTotals totals_;
  std::list<PendingBatch> batches_;
  PendingBatch* found_ = nullptr;  // what find() gave for a number: answers come in runs
  std::uint32_t next_number_ = 0;
  std::unordered_map<const Batch*, std::vector<Undeliverable>> refused_;  // until undeliverable()
};

}  // namespace penstock
