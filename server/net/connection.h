#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "protocols/core/decoder.h"
#include "server/net/admission.h"
#include "server/net/parked_list.h"
#include "server/net/rate_meter.h"
#include "server/net/socket.h"
#include "server/net/socket_row.h"
#include "server/net/tail_buffer.h"
#include "server/net/transport.h"
#include "server/pipeline/account.h"

namespace penstock {

class ListenerShare;

/// One accepted connection, from accept to its end; owned by its loop's ConnectionSet and touched on that loop only.
/// This class is the life of a connection: gate, timeouts, drain, freeze, discard, close. How bytes are read is the
/// derived class's business (StreamConnection, PacketConnection).
///
///   kPreface ─► kServing ──EOF──► (kFinishing: acks still out) ─► retired
///                  │  └─malformed, refused─► (kAnswering: acks still out) ─► kDiscarding ─► retired
///                  └─deadline, quiet─► kFrozen ─► retired
///
/// A connection never closes with unread bytes while there is a way to read them (FACTS.md 1).
class Connection : public SocketEvents, public Parkable, private Replies {
 public:
  /// `transport` null: not a stream, the derived class reads the descriptor itself.
  Connection(ListenerShare& share, ConnectionId id, UniqueFd fd, const Peer& peer, Account& account,
             std::unique_ptr<Transport> transport = nullptr);
  ~Connection() override;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Begins to serve. False: the kernel would not watch the descriptor; the connection has been retired.
  bool open();
  /// Over a limit: FIN, read and discard for a while, close.
  void refuse(Refusal limit);

  ConnectionId id() const noexcept { return id_; }
  ListenerShare& share() noexcept { return share_; }
  Account& account() noexcept { return account_; }
  const Peer& peer() const noexcept { return peer_; }
  std::size_t held_bytes() const noexcept { return tail_.capacity(); }
  /// Replies that wait in process because the peer does not read.
  std::size_t unsent_bytes() const noexcept { return socket_.pending_bytes(); }

  /// As /api/sockets shows it.
  SocketRow row();

  /// What a new connection has sent already, so that a peer that has said all holds its place for no longer than this.
  void read_first();
  /// The loop's next turn after has_pending(): goes on reading without the poll.
  void go_on();
  /// Stop: our FIN goes out (after the goodbye and the acknowledgements of a protocol that replies), reading goes on.
  void begin_drain();
  /// Stop: nothing new may enter; what has arrived is read, then the connection closes.
  void at_deadline();
  /// Stop: acknowledgements that are still open will not come any more.
  void at_flush_deadline();

  /// Stop, after everything else: closes with what is unread.
  void abandon();
  /// Others are waiting to be refused: this one, if it still is, gets no more time.
  void end_refusal_early();

  /// Silence is counted from here: we were the slow side, and the peer may have waited for us.
  void begin_clock_anew(Now now) noexcept { last_read_ = now.monotonic; }
  /// Clocks: timeouts, quiet while draining, ends of discarding, the decoder's deadline. Each sweep.
  void sweep(Now now);

  /// All batches up to `id` that this connection asked for are complete.
  void on_complete(BatchId id, Outcome outcome);
  /// A batch with frames of this connection was not delivered: no acknowledgement, the connection closes.
  void on_undelivered();
  /// The partial-frame budget is exceeded and this connection holds the most.
  void close_for_partial_budget();

 protected:
  enum class Step : std::uint8_t {
    kMore,
    kAgain,
    kWait,  // there is no memory to go on: parks
    kDone   // the connection has left the serving state
  };

  /// One read of at most `budget` bytes, decoded. Takes what it has read from `budget`.
  virtual Step read_once(std::size_t& budget) = 0;
  /// One read of bytes that nobody will see (a refused or broken connection). kBytes may be 0 bytes: an empty packet.
  virtual ReadResult read_unseen();
  /// Counts bytes read by recv.
  void note_read(std::size_t bytes);
  Step end_of_stream();
  Step stream_error();
  /// The decoder has: closes, and counts what is left of its input and all that still comes under its reason.
  Step give_up(const Consumed& consumed, std::size_t rest_bytes, BatchWriter& writer);
  /// The transport has: what was decoded stays, what still comes is discarded.
  Step give_up_transport();
  BatchWriter open_writer(char* input_end);
  /// After each call into the decoder: acknowledgements asked for, a deadline set, replies that failed.
  Step after_decoder(BatchWriter& writer);
  Replies& replies() noexcept { return *this; }

  ListenerShare& share_;
  Account& account_;
  Socket socket_;
  const std::unique_ptr<Transport> transport_;
  std::unique_ptr<Decoder> decoder_;
  TailBuffer tail_;

  /// Most of one turn, so that a flat-out peer leaves room for others.
  static constexpr int kMaxReadsPerTurn = 8;
  static constexpr std::size_t kMaxBytesPerTurn = std::size_t{1} << 20;

 private:
  enum class State : std::uint8_t {
    kPreface,
    kServing,
    kFrozen,
    kAnswering,  // no longer read; what was taken before still gets its acknowledgements
    kDiscarding,
    kFinishing,
    kRetired
  };

  void on_readable() final;
  void on_error() final;
  void on_written() final;
  bool try_resume() final;
  void send(std::string_view bytes) final;
  void hang_up() final;

  void start_serving();
  bool advance_preface();
  void read_turn(std::size_t budget = kMaxBytesPerTurn);
  bool has_pending() const noexcept { return transport_ && transport_->has_pending(); }
  void go_on_next_turn();
  void count_events() noexcept;
  void note_decoded(BatchWriter& writer);
  void park(PauseReason reason);
  void send_fin();
  void close_gently(ConnectionEnd end, EndReason reason);
  void freeze(ConnectionEnd end, EndReason reason);
  void finish_frozen();
  bool freeze_kernel_side();
  bool freeze_leaks();
  bool all_received_was_read();
  void end_decoder(EndReason reason);
  void end_transport(EndReason reason);
  std::size_t forget_held() noexcept;
  std::size_t held_now() const noexcept;
  void discard_once_answered(ConnectionEnd end, Reason reason);
  void start_discard(ConnectionEnd end, Reason reason);
  void discard();
  ReadResult discard_once();
  void finish_discard();
  bool all_replied() const;
  void go_on_after_answers();
  bool close_if_replies_failed();
  void progress_replies();
  void sweep_preface(Now now);
  void tell_held_up(Now now);
  bool is_idle(Now now) const;
  void sweep_answering(Now now);
  void sweep_draining(Now now);
  bool is_quiet(Now now) const;
  void retire(ConnectionEnd end);
  std::chrono::milliseconds now_ms() const;
  void report_held();
  SocketRow::Phase phase() const noexcept;

  const bool is_tcp_;  // by the socket: a preface may name a peer of any kind
  const ConnectionId id_;
  const std::chrono::milliseconds opened_;
  Peer peer_;
  std::unique_ptr<Preface> preface_;
  std::uint64_t bytes_read_ = 0;
  std::optional<std::uint64_t> received_at_freeze_;  // by MINTTL: bytes that the kernel had taken
  std::chrono::milliseconds last_read_;  // opened, or the last byte, or the gate's opening
  std::chrono::milliseconds gentle_deadline_{
      0};  // kServing or kDiscarding: closed by then; 0: none
  std::size_t discarded_ = 0;
  std::size_t held_reported_ = 0;  // unfinished bytes in the share's sum
  State state_ = State::kServing;
  ConnectionEnd end_ = ConnectionEnd::kClean;  // what is counted when frozen or discarding ends
  EndReason end_reason_ = EndReason::kDeadline;
  Reason discard_reason_ = Reason::kRefused;
  std::uint8_t freeze_tries_ = 0;
  bool admitted_ = false;
  bool draining_ = false;
  bool fin_sent_ = false;
  bool eof_read_ = false;
  bool exact_ = true;  // the freeze worked
  bool watched_for_leak_ = false;
  bool replies_failed_ = false;
  bool hung_up_ = false;  // by the decoder: FIN behind the last reply
  bool peer_closed_first_ = false;
  RateMeter rate_;
  std::uint64_t events_ = 0;          // records so far
  std::uint64_t events_counted_ = 0;  // of the account, before the call into the decoder
  bool goes_on_ = false;              // in the loop's list for the next turn
};

}  // namespace penstock
