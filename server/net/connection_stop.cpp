#include <sys/socket.h>

#include <algorithm>
#include <utility>

#include "server/net/connection.h"
#include "server/net/io_loop.h"
#include "server/net/kernel.h"
#include "server/net/listener_share.h"

// How a connection is ended by us: drain, freeze, discard, and the clocks that lead there (DESIGN.md section 6, FACTS.md 0).
namespace penstock {
namespace {

/// A connection that we end ourselves gets this long to end its side, and this much is read of it.
constexpr std::chrono::milliseconds kGentleEnd{2000};
constexpr std::size_t kMaxDiscardBytes = std::size_t{1} << 20;
/// Reads of what is still there when discarding ends: 64 MiB, ten times the largest receive buffer of most systems.
constexpr int kMaxFinalReads = 1024;
/// Sweeps during which a freeze waits for the peer to acknowledge our FIN (FACTS.md 11).
constexpr std::uint8_t kMaxFreezeTries = 10;
/// Rounds of reading behind a freeze that lets something through (TTL 255 neighbours).
constexpr int kMaxFrozenRounds = 10;

}  // namespace

// ---- stop ---------------------------------------------------------------------------------------------------------

void Connection::send_fin() {
  if (fin_sent_) return;
  fin_sent_ = true;
  ::shutdown(socket_.fd(), SHUT_WR);
}

void Connection::begin_drain() {
  if (draining_) return;
  draining_ = true;
  last_read_ = std::max(last_read_, now_ms());  // quiet is counted from here
  if (state_ == State::kPreface) return send_fin();
  if (state_ != State::kServing || gentle_deadline_.count() != 0) return;
  if (!decoder_->replies()) return send_fin();
  // What has arrived can still be acknowledged; behind our FIN, which may follow at once, it could not.
  if (!is_parked()) read_turn();
  if (state_ != State::kServing) return;
  decoder_->on_drain(*this);
  if (!close_if_replies_failed()) progress_replies();
}

void Connection::at_deadline() {
  switch (state_) {
    case State::kPreface: return start_discard(ConnectionEnd::kDeadline, Reason::kTailDeadline);
    case State::kServing:
      if (decoder_->replies() && decoder_->sender_keeps() && !all_replied())
        return discard_once_answered(ConnectionEnd::kDeadline, Reason::kTailDeadline);
      return freeze(ConnectionEnd::kDeadline, EndReason::kDeadline);
    case State::kDiscarding: return finish_discard();
    case State::kFrozen:
    case State::kAnswering:
    case State::kFinishing:
    case State::kRetired: return;
  }
}

void Connection::end_refusal_early() {
  if (state_ == State::kDiscarding && end_ == ConnectionEnd::kRefused) finish_discard();
}

void Connection::abandon() { retire(ConnectionEnd::kAbandoned); }

void Connection::at_flush_deadline() {
  if (state_ == State::kFinishing) return retire(ConnectionEnd::kDeadline);
  if (state_ == State::kDiscarding) return finish_discard();
  if (state_ != State::kAnswering) return;
  start_discard(end_, discard_reason_);
  gentle_deadline_ = now_ms();  // our FIN gets until the next sweep, not more
}

/// From here on nothing new enters; reading goes on until there is nothing (FACTS.md 0.1, 0.4).
void Connection::freeze(ConnectionEnd end, EndReason reason) {
  send_fin();
  end_ = end;
  end_reason_ = reason;
  peer_closed_first_ = socket_.peer_closed();
  if (is_tcp_) {
    exact_ = freeze_kernel_side();
    if (!exact_ && freeze_tries_ < kMaxFreezeTries) {
      ++freeze_tries_;  // our FIN is not acknowledged yet: the sweep tries again
      share_.loop().watch_clock();
      return;
    }
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  freeze_tries_ = 0;
  state_ = State::kFrozen;
  if (is_parked()) return;
  socket_.read();
  read_turn();
}

/// From here on the kernel takes no more payload from the peer. False: nothing could be done about it, yet.
bool Connection::freeze_kernel_side() {
  const kernel::FreezeWay way = kernel::freeze_tcp(socket_.fd());
  if (way == kernel::FreezeWay::kNone) return false;
  if (way == kernel::FreezeWay::kMinTtl) {
    if (const auto tcp = kernel::tcp_state(socket_.fd())) received_at_freeze_ = tcp->bytes_received;
  }
  return true;
}

/// A neighbour whose packets have TTL 255 passes MINTTL, and is reset by our close should it go on sending (FACTS.md 11).
bool Connection::freeze_leaks() {
  if (!received_at_freeze_) return false;
  const auto tcp = kernel::tcp_state(socket_.fd());
  return tcp && tcp->bytes_received != *received_at_freeze_;
}

/// tcpi_bytes_received counts a FIN that was received as well.
bool Connection::all_received_was_read() {
  const auto tcp = kernel::tcp_state(socket_.fd());
  if (!tcp) return false;
  const std::uint64_t read = bytes_read_ + (eof_read_ ? 1 : 0);
  return tcp->bytes_received <= read;
}

void Connection::finish_frozen() {
  // Whether MINTTL holds this peer shows only with time: until the next sweep, or more bytes.
  if (received_at_freeze_ && !std::exchange(watched_for_leak_, true)) return;
  if (is_tcp_ && !all_received_was_read()) {
    // Something passed the freeze (a neighbour sends TTL 255), or a FIN stands behind the last byte.
    for (int round = 0; round < kMaxFrozenRounds; ++round) {
      std::size_t budget = kMaxBytesPerTurn;
      const Step step = read_once(budget);
      if (step == Step::kDone) return;
      if (step == Step::kWait) return park(PauseReason::kDecompressor);
      if (step == Step::kAgain && all_received_was_read()) break;
    }
    if (has_pending()) return;  // it comes back here when all of that is given
    exact_ = exact_ && all_received_was_read();
  }
  if (freeze_leaks()) exact_ = false;
  end_decoder(end_reason_);
  if (is_tcp_ && !share_.loop().stop_options().reset_at_deadline)
    kernel::linger_after_close(socket_.fd());
  retire(exact_ ? end_ : ConnectionEnd::kUnfrozen);
}

/// We end it, the peer gets time to see our FIN; frames that still come are delivered.
void Connection::close_gently(ConnectionEnd end, EndReason reason) {
  end_ = end;
  end_reason_ = reason;
  gentle_deadline_ = now_ms() + kGentleEnd;
  share_.loop().watch_clock();
  send_fin();
}

/// Takes no new frame. FIN goes behind the acknowledgements of what was taken: its sender would send all of that again.
/// They come when the sinks move; nobody waits for them beyond a stop's flush deadline.
void Connection::discard_once_answered(ConnectionEnd end, Reason reason) {
  if (!decoder_->replies() || fin_sent_ || all_replied()) return start_discard(end, reason);
  share_.loop().parked().remove(*this);
  state_ = State::kAnswering;
  end_ = end;
  discard_reason_ = reason;
  account_.counts().discarded_bytes[static_cast<std::size_t>(reason)] += forget_held();
  share_.loop().watch_clock();
  socket_.park();
}

void Connection::start_discard(ConnectionEnd end, Reason reason) {
  share_.loop().parked().remove(*this);
  state_ = State::kDiscarding;
  decoder_.reset();  // with all its memory: it is never asked again
  end_ = end;
  discard_reason_ = reason;
  // What the connection still held is part of what is thrown away.
  account_.counts().discarded_bytes[static_cast<std::size_t>(reason)] += forget_held();
  gentle_deadline_ = now_ms() + kGentleEnd;
  share_.loop().watch_clock();
  send_fin();
  socket_.read();
}

/// One read of what is thrown away, counted.
ReadResult Connection::discard_once() {
  const ReadResult result = read_unseen();
  note_read(result.bytes);
  discarded_ += result.bytes;
  account_.counts().discarded_bytes[static_cast<std::size_t>(discard_reason_)] += result.bytes;
  return result;
}

ReadResult Connection::read_unseen() {
  return receive_bytes(socket_.fd(), share_.loop().scratch());
}

void Connection::discard() {
  for (int reads = 0; reads < kMaxReadsPerTurn && discarded_ < kMaxDiscardBytes; ++reads) {
    const ReadResult result = discard_once();
    if (result.status == ReadResult::Status::kAgain) return;
    if (result.status != ReadResult::Status::kBytes) return retire(end_);
  }
  if (discarded_ >= kMaxDiscardBytes) finish_discard();
}

/// Freezes and reads the rest: a peer that goes on sending must not be reset either.
void Connection::finish_discard() {
  if (is_tcp_) {
    exact_ = freeze_kernel_side();
    if (!exact_ && freeze_tries_ < kMaxFreezeTries) {
      ++freeze_tries_;  // our FIN is not acknowledged yet: the window closes meanwhile, the sweep tries again
      return socket_.stop();
    }
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  // Bounded, for the peer that our freeze does not hold (its TTL is 255, or it has not acknowledged our FIN).
  auto last = ReadResult::Status::kBytes;
  for (int reads = 0; reads < kMaxFinalReads && last == ReadResult::Status::kBytes; ++reads)
    last = discard_once().status;
  if (is_tcp_) {
    exact_ = exact_ && (last == ReadResult::Status::kEof || !freeze_leaks());
    kernel::linger_after_close(socket_.fd());
  }
  retire(exact_ ? end_ : ConnectionEnd::kUnfrozen);
}

// ---- clocks -------------------------------------------------------------------------------------------------------

void Connection::sweep(Now now) {
  if (state_ == State::kRetired) return;
  if (state_ == State::kDiscarding) {
    if (freeze_tries_ != 0 || now.monotonic >= gentle_deadline_) finish_discard();
    return;
  }
  if (state_ == State::kPreface) return sweep_preface(now);
  if (state_ == State::kFrozen) {  // its end is an empty queue, which no poll reports
    if (!is_parked()) read_turn();
    return;
  }
  if (state_ == State::kServing && freeze_tries_ != 0) return freeze(end_, end_reason_);
  if (state_ == State::kAnswering) return sweep_answering(now);
  if (state_ == State::kFinishing && is_idle(now)) return retire(ConnectionEnd::kTimeout);
  if (state_ != State::kServing) return;
  if (is_parked() && decoder_->replies()) tell_held_up(now);
  if (const auto due = decoder_->deadline(); due && now.monotonic >= *due) {
    const std::span<char> room = share_.intake().room(0);
    BatchWriter writer = open_writer(room.data());
    decoder_->on_deadline(now, writer, *this);
    share_.intake().commit(writer, room.data());
    if (after_decoder(writer) == Step::kDone) return;
  }
  if (gentle_deadline_.count() != 0) {
    if (now.monotonic >= gentle_deadline_) freeze(end_, end_reason_);
    return;
  }
  if (draining_) return sweep_draining(now);
  if (is_idle(now)) close_gently(ConnectionEnd::kTimeout, EndReason::kTimeout);
}

void Connection::tell_held_up(Now now) {
  char first = 0;
  if (::recv(socket_.fd(), &first, 1, MSG_PEEK | MSG_DONTWAIT) == 1)
    decoder_->on_held_up(now, {&first, 1});
}

/// All is answered, and the peer does not read it.
void Connection::sweep_answering(Now now) {
  if (decoder_->quiescent() && now.monotonic - last_read_ >= kGentleEnd)
    start_discard(end_, discard_reason_);
}

/// Neither sends nor reads, and does not wait for us: its gate is open, its records are acknowledged.
bool Connection::is_idle(Now now) const {
  if (is_parked() || has_pending() || !decoder_->quiescent()) return false;
  const auto silent = now.monotonic - last_read_;
  const ListenerOptions& options = share_.options();
  const bool no_first_byte = bytes_read_ == 0 && options.first_byte_timeout.count() != 0 &&
                             silent >= options.first_byte_timeout;
  const bool idle =
      no_first_byte || (options.idle_timeout.count() != 0 && silent >= options.idle_timeout);
  return idle && kernel::receive_queue_bytes(socket_.fd()) ==
                     0;  // unread bytes: this process stood still, not the peer
}

/// Nobody is served yet: the first-byte timeout counts to the preface's end, and a stop need not wait for it.
void Connection::sweep_preface(Now now) {
  const auto limit =
      draining_ ? share_.loop().stop_options().drain_quiet : share_.options().first_byte_timeout;
  if (limit.count() == 0 || now.monotonic - last_read_ < limit) return;
  if (draining_)
    start_discard(ConnectionEnd::kQuiet, Reason::kTailDeadline);
  else
    start_discard(ConnectionEnd::kTimeout, Reason::kTailTimeout);
}

void Connection::sweep_draining(Now now) {
  progress_replies();
  if (state_ == State::kServing && is_quiet(now))
    freeze(ConnectionEnd::kQuiet, EndReason::kDeadline);
}

/// Finished as far as can be seen: FIN acknowledged, nothing unread, on a frame boundary, silent for drain_quiet.
bool Connection::is_quiet(Now now) const {
  if (!fin_sent_ || held_now() != 0 || has_pending() || is_parked()) return false;
  if (transport_ && transport_->place() == Transport::Place::kInside) return false;
  if (now.monotonic - last_read_ < share_.loop().stop_options().drain_quiet) return false;
  if (is_tcp_ && !kernel::fin_acknowledged(socket_.fd())) return false;
  return kernel::receive_queue_bytes(socket_.fd()) == 0;
}

}  // namespace penstock
