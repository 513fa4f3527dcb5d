#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string_view>

#include "protocols/core/batch_writer.h"
#include "protocols/core/now.h"
#include "protocols/core/replies.h"

namespace penstock {

/// What a decoder took from the front of its input. `why` set means that it gives the stream up: the connection is
/// closed, the reason logged, the rest discarded and counted under `reason`.
struct Consumed {
  std::size_t bytes = 0;
  const char* why = nullptr;
  Reason reason = Reason::kMalformed;  ///< or kOversize with `oversize = "close"`
};

/// Why a stream ended.
enum class EndReason : std::uint8_t {
  kFin,
  kReset,
  kTimeout,
  kDeadline,
  kPartialBudget,
  kUndecodable
};

/// What became of a batch at all its required sinks together: the worst of their reports.
enum class Outcome : std::uint8_t { kDelivered, kDropped, kFailed };

/// Turns one connection's bytes into records; one an accepted connection, or one a datagram socket with the peer in
/// BatchWriter::segment(). Called on the connection's loop only; never blocks, never reads a clock.
struct Decoder {
  virtual ~Decoder() = default;

  virtual void on_open(const Peer&, Replies&) {}  ///< protocols in which the server speaks first

  /// Stream bytes: those not consumed come again in front of the next ones.
  virtual Consumed on_bytes(std::string_view input, Now, BatchWriter&, Replies&) = 0;

  /// One datagram or packet. `wire_bytes` is its length on the wire, greater than `input` where it was cut.
  virtual void on_datagram(std::string_view input, std::size_t wire_bytes, Now, BatchWriter&,
                           Replies&) = 0;

  /// The stream is over; `tail` are the bytes not consumed. The tail policy, by cause, is applied here.
  virtual void on_end(EndReason, std::string_view tail, BatchWriter&) = 0;

  virtual std::optional<std::chrono::milliseconds> deadline() const {
    return {};
  }  ///< on Now::monotonic
  virtual void on_deadline(Now, BatchWriter&, Replies&) {}

  /// All batches up to `id` that were asked for by BatchWriter::acknowledge_later are complete, in order.
  virtual void on_complete(BatchId, Outcome, Replies&) {}
  virtual void on_drain(Replies&) {}               ///< say goodbye: no further input is wanted
  virtual bool quiescent() const { return true; }  ///< nothing unacknowledged
  virtual bool replies() const { return false; }   ///< chooses the stop order (DESIGN.md section 6)

  /// Of one that replies: its sender waits for acknowledgements, so it has what gets none, and sends that again. False
  /// where nobody would: all that was sent must be taken.
  virtual bool sender_keeps() const { return true; }
  /// False: so much waits for its acknowledgement that the stream is not read on before on_complete.
  virtual bool wants_input() const { return true; }
  /// The stream is not read, for the sinks take no more, and the peer has sent more: `unread` is the beginning of it.
  /// Comes again and again until on_bytes.
  virtual void on_held_up(Now, std::string_view unread) { (void)unread; }
};

}  // namespace penstock
