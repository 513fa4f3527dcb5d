#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/now.h"
#include "server/pipeline/account.h"
#include "server/pipeline/block_pool.h"
#include "server/pipeline/completion.h"
#include "server/pipeline/ledger.h"
#include "server/pipeline/sink_queue.h"
#include "server/pipeline/tap_point.h"

namespace penstock {

/// One way from a listener to a sink.
struct Route {
  SinkQueue* queue = nullptr;
  RouteLedger* ledger = nullptr;
  bool required =
      true;  ///< the completion waits for it; best effort is counted and never waited for
  bool drop_when_full =
      false;  ///< when_full = "drop_newest" or best effort: never shuts the listener's gate
};

/// The read side's end of the pipeline: one a (loop, listener), touched by its loop only. It owns the open block that
/// all the listener's sockets on this loop are read into, and the open batch on it.
///
///   if (!intake.gate_open()) park();
///   std::span<char> room = intake.room(tail.size());             // at least kMinRoomBytes behind the tail
///   memmove(room.data(), tail); n = recv(room.data() + tail.size(), ...);
///   BatchWriter writer = intake.write({...who...}, room.data() + tail.size() + n, rejects);
///   Consumed c = decoder.on_bytes({room.data(), tail.size() + n}, now, writer, replies);
///   intake.commit(writer, room.data() + c.bytes);                // what lies behind is the new tail, still in place
///
/// A tail stays in place until anything else is called here: the connection copies it at once. Input that lies elsewhere
/// (a long tail's own buffer, a datagram slot) is passed with input_end = room.data(): frames are copied into the block,
/// for which room(n) has made place.
///
/// Batches share a block by ranges: a batch ends where the next one begins, so that small ones need no copy.
///
/// While the memory budget is pressed (more than half of it is out) an intake holds little: it takes the smallest blocks,
/// gives the open one back with each seal, and seals small batches as copies, so that a sink that stands still keeps no
/// more than it is charged for. When the budget is used up the gate is shut until memory comes back.
class Intake {
 public:
  static constexpr std::size_t kMinRoomBytes = std::size_t{64} << 10;
  /// The smallest block taken: with less than twice the room, one short read would use a block up.
  static constexpr std::size_t kFirstBlockBytes = 2 * kMinRoomBytes;
  /// Unfinished frames up to this size may stand in front of a read without a look at the budget.
  static constexpr std::size_t kShortHeldBytes = 4096;
  static constexpr std::chrono::milliseconds kMaxBatchAge{5};
  /// Idle sinks are woken at most this often by a listener whose protocol does not acknowledge: at full speed batches
  /// grow, where a wake-up for every turn's handful of records would cost more than the records.
  static constexpr std::chrono::milliseconds kMinSealGap{1};
  /// A block filled within kFastFill doubles the next one, one that took kSlowFill starts again from the smallest.
  static constexpr std::chrono::milliseconds kFastFill{100};
  static constexpr std::chrono::milliseconds kSlowFill{2000};

  /// `tracks_completion`: the protocol acknowledges, every batch is reported to on_complete in id order. Pool, cell,
  /// queues, ledgers and `tap` outlive the intake; without a tap nobody can look at the batches.
  Intake(std::vector<Route> routes, BlockPool& pool, BatchCell& cell, bool tracks_completion,
         TapPoint* tap = nullptr);
  ~Intake();  ///< seals what is open; later reports find nobody
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  /// The queues of all required sinks that block are below their high watermark, and there is memory for a read. Where
  /// the budget is pressed and the block full, it seals and takes the next block here, while waiting is possible.
  bool gate_open();
  /// The sinks' part of it: for what is in memory already and would be given back by being written.
  bool routes_open() const noexcept;
  /// The first required sink whose queue shuts the gate; empty where it is open or memory is what is missing.
  std::string_view shut_by() const noexcept;

  /// The free space of the open block, at least kMinRoomBytes + `held_bytes`; seals and takes a new block where there
  /// is less. Blocks double from kFirstBlockBytes to 1 MiB while they fill fast; a frame larger than that gets a block
  /// of its own, which goes back with the turn. Behind an open gate only a held_bytes over kShortHeldBytes overdraws the
  /// memory budget, until the frame's own buffer goes. While the budget is pressed the room is no larger than asked for.
  std::span<char> room(std::size_t held_bytes);

  /// Opens a segment for the peer (or goes on with the last one where it is the same turn's and peer's). Seals before
  /// it when the index takes half as much memory as the block (two-byte frames). `input_end` null: no input there.
  BatchWriter write(ConnectionId connection, const Peer& peer, Account& account, Now now,
                    char* input_end, RejectHandler& rejects);

  /// Ends the call: everything before max(writer.end(), if anything was copied; `consumed`) belongs to the batch. A
  /// call that added no record leaves no segment; the space of input wholly consumed without one is used again.
  void commit(const BatchWriter& writer, const char* consumed);

  /// Seals when the sinks are idle (and the last seal is kMinSealGap ago, unless completions are tracked) or the batch
  /// is older than kMaxBatchAge. Every turn that wrote anything.
  void end_turn(Now now);
  /// When end_turn is to be called next, on Now::monotonic, for the loop's timer: nullopt while nothing waits.
  std::optional<std::chrono::milliseconds> seal_due() const noexcept;
  /// Seals what there is and pushes it. A batch without records is not pushed; where its acknowledgement was asked for
  /// it completes as delivered, behind those before it.
  void seal();
  /// Gives the open block back to the pool when nothing was written since the last call or the budget is pressed, and
  /// blocks start small again (an idle listener holds no block). Not a block that a sink still holds: the next records
  /// cost no memory there. Called by the sweep.
  void release_idle_block();

  /// Only with tracks_completion, before the first write. `on_complete(id, outcome, members)` is called on this loop,
  /// in id order, for every batch. The sinks report on their threads; `post` carries the report here (EventLoop::post).
  void set_completion(Completion::Post post, Completion::OnComplete on_complete);
  std::size_t open_batches() const noexcept;  ///< sealed, tracked, not yet complete

 private:
  bool has_records() const noexcept { return !batch_.frames.empty(); }
  bool pressed() const noexcept { return pool_.budget().pressed(); }
  std::size_t free_bytes() const noexcept {
    return batch_.block ? batch_.block->capacity() - fill_ : 0;
  }
  bool memory_open();
  bool sinks_idle() const noexcept;
  bool index_full() const noexcept;
  std::chrono::milliseconds due_at() const noexcept;
  void use_block(std::shared_ptr<Block> block) noexcept;
  void leave_block();
  std::size_t next_block_bytes() const noexcept;
  void adapt_block_size() noexcept;
  void release_index() noexcept;
  void charge_index() noexcept;
  void open_segment(ConnectionId connection, const Peer& peer, const Origin& origin,
                    std::int64_t time_ns);
  void close_segment(const BatchWriter& writer);
  void complete_without_records();
  Batch take_batch();
  void hand_over_index(Batch& sealed);
  void copy_out(Batch& sealed);
  std::vector<ConnectionId> members();
  void push(const Route& route, const std::shared_ptr<SealedBatch>& batch);

  const std::vector<Route> routes_;
  unsigned required_ = 0;
  BlockPool& pool_;
  BatchCell& cell_;
  TapPoint* const tap_;
  std::shared_ptr<Completion> completion_;  // null unless tracking

  Batch batch_;                    // the open one; its block is the open block
  std::size_t index_charged_ = 0;  // for its index
  std::size_t fill_ = 0;           // of the open block: what is not to be written again
  std::size_t wasted_bytes_ =
      0;  // left free at the end of the last block, charged to the next batch
  std::size_t block_bytes_ = kFirstBlockBytes;
  char* input_end_ = nullptr;      // of the call that is open
  std::size_t frames_before_ = 0;  // ... and the batch's frames before it
  std::vector<ConnectionId>
      acknowledge_;  // asked for the open batch's completion without a record in it

  Now now_;                                   // of the last write
  std::chrono::milliseconds block_since_{0};  // first write into the block
  std::chrono::milliseconds batch_since_{0};  // first record of the batch
  std::chrono::milliseconds last_seal_{-1000};
  bool block_used_ = false;
  bool used_since_sweep_ = false;
};

}  // namespace penstock
