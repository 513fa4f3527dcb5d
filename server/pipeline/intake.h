#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/now.h"
#include "server/pipeline/block_pool.h"
#include "server/pipeline/ledger.h"
#include "server/pipeline/sink_queue.h"

namespace penstock {

/// One way from a listener to a sink.
struct Route {
  SinkQueue* queue = nullptr;
  RouteLedger* ledger = nullptr;
  bool required = true;        ///< a best-effort route never shuts the listener's gate: its queue drops, counted
  bool drop_when_full = false; ///< when_full = "drop_newest" or best effort
};

/// The read side's end of the pipeline: one a (loop, listener), touched by its loop only. It owns the open block that
/// all the listener's sockets on this loop are read into, and the open batch on it.
///
///   if (!intake.gate_open()) park();
///   std::span<char> room = intake.room(tail.size());             // at least kMinRoomBytes behind the tail
///   memcpy(room.data(), tail); n = recv(room.data() + tail.size(), ...);
///   BatchWriter writer = intake.write({...who...}, room.data() + tail.size() + n, rejects);
///   Consumed c = decoder.on_bytes({room.data(), tail.size() + n}, now, writer, replies);
///   intake.commit(writer, room.data() + c.bytes);                // what lies behind is the new tail, still in place
///
/// A tail that stays in place is valid until the next room() of anybody: the connection moves it out before another one
/// reads. Input that lies elsewhere (a long tail's own buffer, a datagram slot) is passed with input_end = room.data():
/// frames are then copied into the block, for which room(n) has made place.
class Intake {
 public:
  static constexpr std::size_t kMinRoomBytes = std::size_t{64} << 10;
  static constexpr std::chrono::milliseconds kMaxBatchAge{5};

  /// `tracks_completion`: the protocol acknowledges, every batch is reported to on_complete in id order.
  Intake(std::vector<Route> routes, BlockPool& pool, ListenerCell& cell, bool tracks_completion);
  ~Intake();

  /// All required queues are below their high watermark.
  bool gate_open() const noexcept;

  /// The free space of the open block, at least kMinRoomBytes + `held_bytes`; seals and takes a new block where there is
  /// less. Blocks start at 64 KiB and double to 1 MiB while they seal full; a frame larger than that gets a block of its own.
  std::span<char> room(std::size_t held_bytes);

  /// Opens a segment for the peer (or goes on with the last one where it is the same turn's and peer's). Seals before it
  /// when the index is full (a block of two-byte frames).
  BatchWriter write(ConnectionId connection, const Peer& peer, const Origin& origin, Now now, char* input_end,
                    RejectHandler& rejects);

  /// Ends the call: everything before max(writer.end(), if anything was copied; `consumed`) belongs to the batch.
  void commit(const BatchWriter& writer, const char* consumed);

  /// Seals when the sinks are idle or the batch is older than kMaxBatchAge, and publishes the counters. Every turn.
  void end_turn(Now now);
  /// Time of the next seal by age, for the loop's timer: nullopt while nothing waits.
  std::optional<std::chrono::milliseconds> seal_due() const noexcept;
  /// Seals what there is and pushes it.
  void seal();
  /// Gives an empty open block back to the pool (an idle listener holds no block). Called by the sweep.
  void release_idle_block();

  /// Completion, on this loop: `on_complete(id, outcome)` in id order, for every batch when tracking. The sinks report on
  /// their threads; `post` carries the report here (EventLoop::post of the origin loop).
  void set_completion(std::function<void(std::function<void()>)> post,
                      std::function<void(BatchId, Outcome, const std::vector<ConnectionId>& members)> on_complete);
  std::size_t open_batches() const noexcept;  ///< sealed, tracked, not yet complete

  FrameCounts& counts() noexcept { return counts_; }
  ListenerCell& cell() noexcept { return cell_; }
  void add_read(std::uint64_t bytes) noexcept { read_bytes_ += bytes; }

 private:
  // the implementation's business; FrameCounts counts_; ListenerCell& cell_; std::uint64_t read_bytes_ ...
  FrameCounts counts_;
  ListenerCell& cell_;
  std::uint64_t read_bytes_ = 0;
};

}  // namespace penstock
