#include "server/net/connection.h"

#include "protocols/core/check.h"
#include "server/net/io_loop.h"
#include "server/net/listener_share.h"

// Begin, reading, replies, end. How a connection is ended by us (drain, freeze, discard, clocks): connection_stop.cpp.
namespace penstock {
namespace {

/// Of what a new connection has sent before anybody else is looked at: most one-shot clients have said all by then.
constexpr std::size_t kFirstReadBytes = std::size_t{64} << 10;

std::string_view what_ends_it(Reason reason) noexcept {
  switch (reason) {
    case Reason::kOversize:
    case Reason::kDecompressLimit: return "stream over a limit, closing";
    case Reason::kRefused: return "handshake failed, closing";
    default: return "malformed stream, closing";
  }
}

}  // namespace

Connection::Connection(ListenerShare& share, ConnectionId id, UniqueFd fd, const Peer& peer,
                       Account& account, std::unique_ptr<Transport> transport)
    : Parkable(account.cell().paused),
      share_(share),
      account_(account),
      socket_(share.loop().events(), std::move(fd), *this),
      transport_(std::move(transport)),
      tail_(share.loop().partials()),
      is_tcp_(peer.kind != Peer::Kind::kUnix),
      id_(id),
      opened_(share.now().monotonic),
      peer_(peer),
      last_read_(opened_) {}

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
  if (decoder_->deadline()) share_.loop().watch_clock();
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
  account_.counts().framing_bytes += bytes;
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
    case State::kFrozen:
      if (!goes_on_) read_turn();  // else it has its turn already
      return;
    case State::kDiscarding: return discard();
    case State::kAnswering:
    case State::kFinishing:
    case State::kRetired: return;
  }
}

void Connection::read_first() {
  if (state_ == State::kServing) return read_turn(kFirstReadBytes);
  if (state_ == State::kDiscarding) discard();
}

void Connection::read_turn(std::size_t budget) {
  for (int reads = 0; reads < kMaxReadsPerTurn && budget > 0; ++reads) {
    if (!share_.intake().gate_open()) {
      park(PauseReason::kGate);
      break;
    }
    if (!decoder_->wants_input()) {
      park(PauseReason::kAnswers);
      break;
    }
    const Step step = read_once(budget);
    if (step == Step::kMore) continue;
    if (step == Step::kWait) park(PauseReason::kDecompressor);
    if (step == Step::kAgain && state_ == State::kFrozen) finish_frozen();
    break;
  }
  if (has_pending() && !is_parked()) go_on_next_turn();
  report_held();
}

void Connection::go_on_next_turn() {
  if (std::exchange(goes_on_, true)) return;
  share_.loop().go_on_next_turn(id_);
}

void Connection::go_on() {
  goes_on_ = false;
  const bool reads = state_ == State::kServing || state_ == State::kFrozen;
  if (reads && !is_parked()) read_turn();
}

std::size_t Connection::held_now() const noexcept {
  return tail_.size() + (transport_ ? transport_->undecided().size() : 0);
}

void Connection::report_held() {
  const std::size_t held = held_now();
  account_.change_held(std::exchange(held_reported_, held), held);
}

/// Nobody will decode it any more. How much it was.
std::size_t Connection::forget_held() noexcept {
  const std::size_t held = held_now();
  tail_.clear();
  if (transport_) transport_->release();
  report_held();
  return held;
}

void Connection::park(PauseReason reason) {
  socket_.park();
  share_.loop().parked().add(*this, now_ms(), reason);
}

bool Connection::try_resume() {
  if (!share_.intake().gate_open() || !decoder_->wants_input()) return false;
  begin_clock_anew(share_.now());
  socket_.read();
  if (has_pending()) go_on_next_turn();
  return true;
}

/// The poll has stopped by itself; what the peer had sent before its reset is still readable, gate willing.
void Connection::on_error() {
  if (state_ == State::kRetired) return;
  if (state_ == State::kFinishing) return retire(ConnectionEnd::kResetByPeer);
  if (state_ == State::kAnswering) return start_discard(end_, discard_reason_);
  if (is_parked()) return;  // goes on, and finds the error, when the gate opens
  on_readable();
  if (state_ != State::kRetired && !is_parked()) socket_.read();
}

void Connection::note_read(std::size_t bytes) {
  bytes_read_ += bytes;
  last_read_ = now_ms();
  rate_.add(last_read_, bytes, 0);
  share_.note_read(account_, bytes);
}

BatchWriter Connection::open_writer(char* input_end) {
  events_counted_ = account_.events();
  return share_.write(id_, peer_, account_, input_end);
}

void Connection::count_events() noexcept {
  const std::uint64_t events = account_.events() - events_counted_;
  events_ += events;
  rate_.add(now_ms(), 0, events);
}

void Connection::note_decoded(BatchWriter& writer) {
  count_events();
  if (writer.acknowledges()) share_.expect_completion(writer.acknowledge_later(), id_);
}

Connection::Step Connection::after_decoder(BatchWriter& writer) {
  note_decoded(writer);
  if (decoder_->deadline()) share_.loop().watch_clock();
  if (close_if_replies_failed()) return Step::kDone;
  if (hung_up_) progress_replies();
  if (tail_.size() > 0 && share_.loop().partials().must_close_one()) {
    share_.loop().close_largest_partial();
    if (state_ != State::kServing && state_ != State::kFrozen) return Step::kDone;
  }
  return Step::kMore;
}

Connection::Step Connection::end_of_stream() {
  eof_read_ = true;
  if (socket_.send_error() != 0)
    return stream_error();  // a reset, of which a reply took the kernel's notice
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

Connection::Step Connection::give_up(const Consumed& consumed, std::size_t rest_bytes,
                                     BatchWriter& writer) {
  note_decoded(writer);  // what stood in front
  share_.log_trouble(what_ends_it(consumed.reason), peer_, consumed.why);
  tail_.clear();  // it was part of the input, all of which is counted
  account_.counts().discarded_bytes[static_cast<std::size_t>(consumed.reason)] += rest_bytes;
  discard_once_answered(ConnectionEnd::kMalformed, consumed.reason);
  return Step::kDone;
}

Connection::Step Connection::give_up_transport() {
  const Transport::Broken broken = transport_->broken();
  share_.log_trouble(broken.what, peer_, broken.why);
  end_decoder(EndReason::kUndecodable);
  discard_once_answered(ConnectionEnd::kMalformed, broken.reason);
  return Step::kDone;
}

/// A beginning that could have been of several codings was all: it is what it is, and nothing else stands before it.
void Connection::end_transport(EndReason reason) {
  const Transport::Place place = transport_->place();
  const bool cut_off = reason == EndReason::kFin ? place != Transport::Place::kWhole
                                                 : place == Transport::Place::kInside;
  if (cut_off && reason != EndReason::kUndecodable) {
    ++account_.counts().truncated_streams;
    share_.log_trouble("compressed stream ends in the middle", peer_, {});
  }
  if (!transport_->undecided().empty()) tail_.assign(transport_->undecided());
  transport_->release();
}

/// Hands the unfinished frame to the decoder, whose tail policy decides.
void Connection::end_decoder(EndReason reason) {
  if (transport_) end_transport(reason);
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
  discard_once_answered(ConnectionEnd::kPartialBudget, Reason::kPartialBudget);
}

// ---- replies and completions --------------------------------------------------------------------------------------

/// Behind our FIN nothing can be sent any more; the peer takes what is missing for unacknowledged.
void Connection::send(std::string_view bytes) {
  if (fin_sent_ || replies_failed_) return;
  if (!socket_.send(bytes)) replies_failed_ = true;
}

void Connection::hang_up() { hung_up_ = true; }

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
  begin_clock_anew(share_.now());
  if (close_if_replies_failed()) return;
  progress_replies();
  go_on_after_answers();
}

/// Where it was not read because too much waited for its acknowledgement.
void Connection::go_on_after_answers() {
  if (!is_parked() || pause_reason() != PauseReason::kAnswers || !decoder_->wants_input()) return;
  share_.loop().parked().remove(*this);
  if (!try_resume()) park(PauseReason::kGate);
}

void Connection::on_undelivered() {
  if (state_ == State::kDiscarding || state_ == State::kRetired || !decoder_) return;
  if (state_ == State::kFinishing) return retire(ConnectionEnd::kUndelivered);
  if (!decoder_->replies() || !decoder_->sender_keeps())
    return;  // nobody waits for an answer: the loss is in the route's ledger
  end_decoder(EndReason::kReset);
  start_discard(ConnectionEnd::kUndelivered, Reason::kUndelivered);
}

bool Connection::all_replied() const {
  return decoder_->quiescent() && socket_.pending_bytes() == 0;
}

/// What waits for the last acknowledgement to be out.
void Connection::progress_replies() {
  if (!decoder_ || !all_replied()) return;
  if (state_ == State::kFinishing)
    return retire(socket_.send_error() != 0 ? ConnectionEnd::kResetByPeer : ConnectionEnd::kClean);
  if (state_ == State::kAnswering) return start_discard(end_, discard_reason_);
  if (fin_sent_ || state_ != State::kServing) return;
  if (draining_) return send_fin();
  if (hung_up_) close_gently(ConnectionEnd::kClean, EndReason::kFin);
}

// ---- end ----------------------------------------------------------------------------------------------------------

void Connection::retire(ConnectionEnd end) {
  if (state_ == State::kRetired) return;
  if (end_ == ConnectionEnd::kRefused && state_ == State::kDiscarding)
    share_.loop().connection_budget().end_refusal();
  state_ = State::kRetired;
  share_.loop().parked().remove(*this);
  account_.counts().discarded_bytes[static_cast<std::size_t>(Reason::kTailReset)] += forget_held();
  socket_.close();
  share_.forget(*this, end, admitted_);
}

}  // namespace penstock
