#include "server/net/connection.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "protocols/core/check.h"
#include "server/net/io_loop.h"
#include "server/net/kernel.h"
#include "server/net/listener_share.h"

namespace penstock {
namespace {

constexpr int kMaxReadsPerTurn = 8;
constexpr std::size_t kMaxBytesPerTurn = std::size_t{1} << 20;
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

Connection::Connection(ListenerShare& share, ConnectionId id, UniqueFd fd, const Peer& peer, const Origin& origin)
    : share_(share),
      socket_(share.loop().events(), std::move(fd), *this),
      tail_(share.loop().partials()),
      is_tcp_(peer.kind != Peer::Kind::kUnix),
      id_(id),
      peer_(peer),
      origin_(origin),
      last_read_(share.now().monotonic) {}

Connection::~Connection() = default;

std::chrono::milliseconds Connection::now_ms() const { return share_.now().monotonic; }

// ---- begin --------------------------------------------------------------------------------------------------------

bool Connection::open() {
  if (auto opened = socket_.open(); !opened) {
    share_.log_trouble("cannot watch connection", peer_, opened.error().message);
    retire(ConnectionEnd::kResetByUs);
    return false;
  }
  if (share_.options().make_preface) preface_ = share_.options().make_preface();
  if (preface_) {
    state_ = State::kPreface;
    socket_.read();
    return true;
  }
  start_serving();
  return true;
}

void Connection::start_serving() {
  const Refusal limit = share_.admit(peer_);
  if (limit != Refusal::kNone) return refuse(limit);
  admitted_ = true;
  state_ = State::kServing;
  decoder_ = share_.options().make_decoder();
  decoder_->on_open(peer_, *this);
  socket_.read();
}

void Connection::refuse(Refusal limit) {
  share_.log_refusal(peer_, limit);
  share_.loop().begin_refusal(id_);
  start_discard(ConnectionEnd::kRefused, Reason::kRefused);
}

bool Connection::advance_preface() {
  std::size_t bytes = 0;
  const Preface::Status status = preface_->advance(socket_.fd(), peer_, bytes);
  if (bytes != 0) note_read(bytes);
  share_.intake().counts().framing_bytes += bytes;
  switch (status) {
    case Preface::Status::kAgain: return false;
    case Preface::Status::kMalformed:
      share_.log_trouble("malformed connection preface", peer_, {});
      start_discard(ConnectionEnd::kMalformed, Reason::kMalformed);
      return false;
    case Preface::Status::kDone: break;
  }
  preface_.reset();
  start_serving();
  return state_ == State::kServing;
}

// ---- reading ------------------------------------------------------------------------------------------------------

void Connection::on_readable() {
  switch (state_) {
    case State::kPreface:
      if (!advance_preface()) return;
      [[fallthrough]];
    case State::kServing:
    case State::kFrozen: return read_turn();
    case State::kDiscarding: return discard();
    case State::kFinishing:
    case State::kRetired: return;
  }
}

void Connection::read_turn() {
  std::size_t budget = kMaxBytesPerTurn;
  for (int reads = 0; reads < kMaxReadsPerTurn && budget > 0; ++reads) {
    if (!share_.intake().gate_open()) {
      park();
      break;
    }
    const Step step = read_once(budget);
    if (step == Step::kMore) continue;
    if (step == Step::kAgain && state_ == State::kFrozen) finish_frozen();
    break;
  }
  report_held();
}

void Connection::report_held() {
  share_.change_held(held_reported_, tail_.size());
  held_reported_ = tail_.size();
}

void Connection::park() {
  socket_.park();
  share_.loop().parked().add(*this);
}

bool Connection::try_resume() {
  if (!share_.intake().gate_open()) return false;
  last_read_ = now_ms();  // we were the slow side: the peer's idle time begins anew
  socket_.read();
  return true;
}

/// The poll has stopped by itself; what the peer had sent before its reset is still readable, gate willing.
void Connection::on_error() {
  if (state_ == State::kRetired) return;
  if (state_ == State::kFinishing) return retire(ConnectionEnd::kResetByPeer);
  if (ParkedList::contains(*this)) return;  // goes on, and finds the error, when the gate opens
  on_readable();
  if (state_ != State::kRetired && !ParkedList::contains(*this)) socket_.read();
}

void Connection::note_read(std::size_t bytes) {
  bytes_read_ += bytes;
  last_read_ = now_ms();
  share_.note_read(bytes);
}

BatchWriter Connection::open_writer(char* input_end) { return share_.write(id_, peer_, origin_, input_end); }

Connection::Step Connection::after_decoder(BatchWriter& writer) {
  if (writer.acknowledges()) share_.expect_completion(writer.acknowledge_later(), id_);
  if (close_if_replies_failed()) return Step::kDone;
  if (tail_.size() > 0 && share_.loop().partials().must_close_one()) {
    share_.loop().close_largest_partial();
    if (state_ != State::kServing && state_ != State::kFrozen) return Step::kDone;
  }
  return Step::kMore;
}

Connection::Step Connection::end_of_stream() {
  eof_read_ = true;
  if (socket_.send_error() != 0) return stream_error();  // a reset, of which a reply took the kernel's notice
  if (state_ == State::kFrozen && !is_tcp_ && !peer_closed_first_) {
    finish_frozen();  // the end that our own SHUT_RD made, not the peer's
    return Step::kDone;
  }
  const bool ended_by_us = gentle_deadline_.count() != 0;
  end_decoder(ended_by_us ? end_reason_ : EndReason::kFin);
  if (decoder_->replies() && !all_replied()) {
    state_ = State::kFinishing;
    socket_.stop();
    return Step::kDone;
  }
  retire(ended_by_us ? end_ : bytes_read_ == 0 ? ConnectionEnd::kProbe : ConnectionEnd::kClean);
  return Step::kDone;
}

Connection::Step Connection::stream_error() {
  end_decoder(EndReason::kReset);
  retire(ConnectionEnd::kResetByPeer);
  return Step::kDone;
}

Connection::Step Connection::malformed(const char* why, std::size_t discarded_bytes) {
  share_.log_trouble("malformed stream, closing", peer_, why);
  tail_.clear();  // it was part of the input, all of which is counted
  share_.intake().counts().discarded_bytes[static_cast<std::size_t>(Reason::kMalformed)] += discarded_bytes;
  start_discard(ConnectionEnd::kMalformed, Reason::kMalformed);
  return Step::kDone;
}

/// Hands the unfinished frame to the decoder, whose tail policy decides.
void Connection::end_decoder(EndReason reason) {
  const std::span<char> room = share_.intake().room(tail_.size());
  BatchWriter writer = open_writer(room.data());
  decoder_->on_end(reason, tail_.view(), writer);
  share_.intake().commit(writer, room.data());
  if (writer.acknowledges()) share_.expect_completion(writer.acknowledge_later(), id_);
  tail_.clear();
  report_held();
}

void Connection::close_for_partial_budget() {
  share_.log_trouble("unfinished frames hold too much memory, closing the largest", peer_, {});
  end_decoder(EndReason::kPartialBudget);
  start_discard(ConnectionEnd::kPartialBudget, Reason::kPartialBudget);
}

// ---- replies and completions --------------------------------------------------------------------------------------

/// Behind our FIN nothing can be sent any more; the peer takes what is missing for unacknowledged.
void Connection::send(std::string_view bytes) {
  if (fin_sent_ || replies_failed_) return;
  if (!socket_.send(bytes)) replies_failed_ = true;
}

/// A gap in the replies must not be followed by more of them, so the connection ends. After each call into the decoder.
bool Connection::close_if_replies_failed() {
  if (!replies_failed_) return false;
  share_.log_trouble("peer does not read its replies", peer_, {});
  if (state_ == State::kFinishing) {
    retire(ConnectionEnd::kRepliesUnread);
  } else {
    start_discard(ConnectionEnd::kRepliesUnread, Reason::kUndelivered);
  }
  return true;
}

void Connection::on_written() { progress_replies(); }

void Connection::on_complete(BatchId id, Outcome outcome) {
  if (state_ == State::kDiscarding || state_ == State::kRetired || !decoder_) return;
  decoder_->on_complete(id, outcome, *this);
  last_read_ = now_ms();  // the peer was waiting for us
  if (!close_if_replies_failed()) progress_replies();
}

void Connection::on_undelivered() {
  if (state_ == State::kDiscarding || state_ == State::kRetired || !decoder_) return;
  if (state_ == State::kFinishing) return retire(ConnectionEnd::kUndelivered);
  if (!decoder_->replies()) return;  // nobody waits for an answer: the loss is in the route's ledger
  end_decoder(EndReason::kReset);
  start_discard(ConnectionEnd::kUndelivered, Reason::kUndelivered);
}

bool Connection::all_replied() const { return decoder_->quiescent() && socket_.pending_bytes() == 0; }

/// What waits for the last acknowledgement to be out.
void Connection::progress_replies() {
  if (!decoder_ || !all_replied()) return;
  if (state_ == State::kFinishing) return retire(socket_.send_error() != 0 ? ConnectionEnd::kResetByPeer : ConnectionEnd::kClean);
  if (waits_for_acks_) return start_discard(ConnectionEnd::kDeadline, Reason::kTailDeadline);
  if (draining_ && !fin_sent_ && state_ == State::kServing) send_fin();
}

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
  decoder_->on_drain(*this);
  if (!close_if_replies_failed()) progress_replies();
}

void Connection::at_deadline() {
  switch (state_) {
    case State::kPreface: return start_discard(ConnectionEnd::kDeadline, Reason::kTailDeadline);
    case State::kServing:
      if (decoder_->replies() && !all_replied()) {
        waits_for_acks_ = true;  // takes no new frame; open completions may still come
        socket_.park();
        share_.loop().parked().remove(*this);
        return;
      }
      return freeze(ConnectionEnd::kDeadline, EndReason::kDeadline);
    case State::kDiscarding: return finish_discard();
    case State::kFrozen:
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
  if (!waits_for_acks_) return;
  start_discard(ConnectionEnd::kDeadline, Reason::kTailDeadline);
  gentle_deadline_ = now_ms();  // our FIN gets until the next sweep, not more
}

/// From here on nothing new enters; reading goes on until there is nothing (FACTS.md 0.1, 0.4).
void Connection::freeze(ConnectionEnd end, EndReason reason) {
  send_fin();
  end_ = end;
  end_reason_ = reason;
  peer_closed_first_ = socket_.peer_closed();
  if (is_tcp_) {
    const kernel::FreezeWay way = kernel::freeze_tcp(socket_.fd());
    if (way == kernel::FreezeWay::kNone && freeze_tries_ < kMaxFreezeTries) {
      ++freeze_tries_;  // our FIN is not acknowledged yet: the sweep tries again
      share_.loop().watch_clock();
      return;
    }
    exact_ = way != kernel::FreezeWay::kNone;
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  freeze_tries_ = 0;
  state_ = State::kFrozen;
  if (ParkedList::contains(*this)) return;
  socket_.read();
  read_turn();
}

/// tcpi_bytes_received counts a FIN that was received as well.
bool Connection::all_received_was_read() {
  const auto tcp = kernel::tcp_state(socket_.fd());
  if (!tcp) return false;
  const std::uint64_t read = bytes_read_ + (eof_read_ ? 1 : 0);
  return tcp->bytes_received <= read;
}

void Connection::finish_frozen() {
  if (is_tcp_ && !all_received_was_read()) {
    // Something passed the freeze (a neighbour sends TTL 255), or a FIN stands behind the last byte.
    for (int round = 0; round < kMaxFrozenRounds; ++round) {
      std::size_t budget = kMaxBytesPerTurn;
      const Step step = read_once(budget);
      if (step == Step::kDone) return;
      if (step == Step::kAgain && all_received_was_read()) break;
    }
    exact_ = exact_ && all_received_was_read();
  }
  end_decoder(end_reason_);
  if (is_tcp_ && !share_.loop().stop_options().reset_at_deadline) kernel::linger_after_close(socket_.fd());
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

void Connection::start_discard(ConnectionEnd end, Reason reason) {
  share_.loop().parked().remove(*this);
  state_ = State::kDiscarding;
  waits_for_acks_ = false;
  end_ = end;
  discard_reason_ = reason;
  // What the connection still held is part of what is thrown away.
  share_.intake().counts().discarded_bytes[static_cast<std::size_t>(reason)] += tail_.size();
  tail_.clear();
  report_held();
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
  share_.intake().counts().discarded_bytes[static_cast<std::size_t>(discard_reason_)] += result.bytes;
  return result;
}

ReadResult Connection::read_unseen() { return PlainTransport().read(socket_.fd(), share_.loop().scratch()); }

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
    exact_ = kernel::freeze_tcp(socket_.fd()) != kernel::FreezeWay::kNone;
    if (!exact_ && freeze_tries_ < kMaxFreezeTries) {
      ++freeze_tries_;  // our FIN is not acknowledged yet: the window closes meanwhile, the sweep tries again
      return socket_.stop();
    }
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  // Bounded, for the peer that our freeze does not hold (its TTL is 255, or it has not acknowledged our FIN).
  for (int reads = 0; reads < kMaxFinalReads && discard_once().status == ReadResult::Status::kBytes; ++reads) {
  }
  if (is_tcp_) kernel::linger_after_close(socket_.fd());
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
    if (!ParkedList::contains(*this)) read_turn();
    return;
  }
  if (state_ == State::kServing && freeze_tries_ != 0) return freeze(end_, end_reason_);
  if (state_ == State::kFinishing && is_idle(now)) return retire(ConnectionEnd::kTimeout);
  if (state_ != State::kServing || waits_for_acks_) return;
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

/// Neither sends nor reads, and does not wait for us: its gate is open, its records are acknowledged.
bool Connection::is_idle(Now now) const {
  if (ParkedList::contains(*this) || !decoder_->quiescent()) return false;
  const auto silent = now.monotonic - last_read_;
  const ListenerOptions& options = share_.options();
  const bool no_first_byte = bytes_read_ == 0 && options.first_byte_timeout.count() != 0 && silent >= options.first_byte_timeout;
  const bool idle = no_first_byte || (options.idle_timeout.count() != 0 && silent >= options.idle_timeout);
  return idle && kernel::receive_queue_bytes(socket_.fd()) == 0;  // unread bytes: this process stood still, not the peer
}

/// Nobody is served yet: the first-byte timeout counts to the preface's end, and a stop need not wait for it.
void Connection::sweep_preface(Now now) {
  const auto limit = draining_ ? share_.loop().stop_options().drain_quiet : share_.options().first_byte_timeout;
  if (limit.count() == 0 || now.monotonic - last_read_ < limit) return;
  if (draining_) start_discard(ConnectionEnd::kQuiet, Reason::kTailDeadline);
  else start_discard(ConnectionEnd::kTimeout, Reason::kTailTimeout);
}

void Connection::sweep_draining(Now now) {
  progress_replies();
  if (state_ == State::kServing && is_quiet(now)) freeze(ConnectionEnd::kQuiet, EndReason::kDeadline);
}

/// Finished as far as can be seen: FIN acknowledged, nothing unread, on a frame boundary, silent for drain_quiet.
bool Connection::is_quiet(Now now) const {
  if (!fin_sent_ || tail_.size() != 0 || ParkedList::contains(*this)) return false;
  if (now.monotonic - last_read_ < share_.loop().stop_options().drain_quiet) return false;
  if (is_tcp_ && !kernel::fin_acknowledged(socket_.fd())) return false;
  return kernel::receive_queue_bytes(socket_.fd()) == 0;
}

// ---- end ----------------------------------------------------------------------------------------------------------

void Connection::retire(ConnectionEnd end) {
  if (state_ == State::kRetired) return;
  if (end_ == ConnectionEnd::kRefused && state_ == State::kDiscarding) share_.loop().connection_budget().end_refusal();
  state_ = State::kRetired;
  share_.loop().parked().remove(*this);
  share_.intake().counts().discarded_bytes[static_cast<std::size_t>(Reason::kTailReset)] += tail_.size();
  tail_.clear();
  report_held();
  socket_.close();
  share_.forget(*this, end, admitted_);
}

}  // namespace penstock
