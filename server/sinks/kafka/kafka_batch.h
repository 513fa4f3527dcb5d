#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "protocols/core/batch.h"
#include "server/pipeline/sink.h"

namespace penstock {

/// Of all batches of a sink together.
struct KafkaTotals {
  std::size_t sent = 0;      ///< kSent and kAlone
  std::size_t suspects = 0;  ///< kSuspect and kAlone
};

/// A batch on its way to Kafka: what has become of each of its frames. Its sink alone touches it.
class KafkaBatch {
 public:
  enum class State : std::uint8_t {
    kWaiting,    ///< to be produced
    kSent,       ///< produced, not yet reported
    kDelivered,  ///< all replicas in sync have it
    kSuspect,  ///< refused together with others: to be produced alone, to see whether it is to blame
    kAlone,    ///< the same, produced
    kRefused,      ///< never will be taken
    kUnencodable,  ///< has no form in the sink's encoding
  };

  /// `number` is part of the names of its records; the batch and `totals`, to which this one adds, outlive this.
  KafkaBatch(const Batch& batch, std::uint32_t number, KafkaTotals& totals)
      : batch_(&batch),
        number_(number),
        states_(batch.frames.size()),
        open_(states_.size()),
        totals_(totals) {}
  KafkaBatch(const KafkaBatch&) = delete;
  KafkaBatch& operator=(const KafkaBatch&) = delete;
  ~KafkaBatch();

  const Batch& batch() const noexcept { return *batch_; }
  std::uint32_t number() const noexcept { return number_; }
  State state(std::size_t frame) const noexcept { return states_[frame]; }

  /// Keeps count of what the states say.
  void set(std::size_t frame, State state) noexcept;
  void refuse(std::size_t frame, std::string answer);  ///< kRefused
  /// Of what was sent nobody will tell any more: it waits again, and its records have new names.
  void take_back(std::uint32_t number) noexcept;

  bool ended() const noexcept { return open_ == 0; }  ///< nothing more is to be done
  std::size_t sent() const noexcept { return sent_; }
  std::size_t suspects() const noexcept { return suspects_; }

  /// The first frame that is in `state`, from `from` on; the number of frames where none is.
  std::size_t find(State state, std::size_t from = 0) const noexcept;
  /// Not known to be with Kafka, sorted.
  std::vector<FrameRange> undelivered() const;
  /// Those that are refused for good, with the answer.
  std::vector<Undeliverable> refused() const;

  // Where the sink is with it.
  std::size_t next = 0;     ///< no frame before it is kWaiting
  std::size_t segment = 0;  ///< that `next` lies in, or one before it
  bool pending = true;      ///< else the runner is to write it again
  bool failed = false;      ///< something of it waits for being written again

 private:
  const Batch* batch_;
  std::uint32_t number_;
  std::vector<State> states_;
  std::size_t open_, sent_ = 0, suspects_ = 0;
  struct Refusal {
    std::size_t frame;
    std::string answer;
  };
  std::vector<Refusal> refusals_;
  KafkaTotals& totals_;
};

}  // namespace penstock
