#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "server/log/log.h"
#include "server/net/acceptor.h"
#include "server/net/datagram_socket.h"
#include "server/net/flusher.h"
#include "server/net/io_loop.h"
#include "server/net/listener.h"
#include "server/net/unpacker.h"
#include "server/pipeline/account.h"
#include "server/pipeline/intake.h"

namespace penstock {

/// One listener on one loop: the intake that its sockets here are read into, and those sockets. Built on the main thread,
/// then given to its loop and touched there only.
class ListenerShare final : private RejectHandler {
 public:
  ListenerShare(Listener& listener, IoLoop& loop, std::vector<Route> routes, BlockPool& pool,
                BatchCell& cell, bool tracks_completion);
  ~ListenerShare();

  IoLoop& loop() noexcept { return loop_; }
  Listener& listener() noexcept { return listener_; }
  const ListenerOptions& options() const noexcept { return *options_; }
  Intake& intake() noexcept { return intake_; }
  Now now() noexcept { return loop_.now(); }
  Unpacker& unpacker() noexcept { return unpacker_; }
  DatagramSlots& slots() { return loop_.slots(options_->datagram_bytes); }
  bool has_timeouts() const noexcept;
  bool draining() const noexcept { return draining_; }

  // ---- sockets
  /// The account of one of the listener's URLs on this loop; lives as long as the share.
  Account& account(const Origin& origin);
  void add_socket(BoundSocket socket, const Origin& origin);
  /// A connection that an acceptor (of any loop) has accepted for this loop.
  void adopt(Accepted accepted);
  /// Process, listener and peer limits; while draining they are ignored.
  Refusal admit(const Peer& peer) {
    return listener_.admission().admit(peer, listener_.draining());
  }
  /// A connection has ended: count it, free it at the end of the turn.
  void forget(Connection& connection, ConnectionEnd end, bool admitted);
  /// Calls `visit(SocketRow)` for each acceptor and datagram socket that is open.
  template <class Visit>
  void for_each_row(Visit&& visit) {
    for (auto& acceptor : acceptors_)
      if (!acceptor->closed()) visit(acceptor->row());
    for (auto& socket : datagram_sockets_)
      if (!socket->closed()) visit(socket->row());
  }
  /// Who keeps those that are parked: PauseReason::kGate tells only that they are.
  std::string_view paused_by(PauseReason reason) const noexcept;
  /// Here is what the listener's protocol aggregates written, as records of `origin`.
  void start_flushing(const Origin& origin);
  /// An acceptor or datagram socket has closed.
  void socket_closed() { listener_.one_ended(); }

  // ---- reading
  /// A writer for records of one peer.
  BatchWriter write(ConnectionId connection, const Peer& peer, Account& account, char* input_end);
  void note_read(Account& account, std::size_t bytes) noexcept {
    account.add_read(bytes);
    loop_.count_read(bytes);
    touch();
  }
  void expect_completion(BatchId batch, ConnectionId connection) {
    expected_.emplace_back(batch, connection);
  }

  // ---- stop (see Listener)
  void begin_drain();
  void at_deadline();
  void at_flush_deadline();
  void finish_flushing(std::function<void()> done);  ///< of the share that flushes
  void finish_flushing_now();                        ///< of any

  // ---- clocks, called by the loop
  bool end_turn(Now now);  ///< true: nothing waits for a later turn
  std::chrono::milliseconds seal_due(Now now) const noexcept;
  void seal(Now now);  ///< hands on what was read so far
  void sweep(Now now);
  void sweep_second();
  void touch();

  // ---- log lines about peers, rate-limited for each share
  void log_trouble(std::string_view what, const Peer& peer, std::string_view why);
  /// What a decoder noted in one call, if anything.
  void log_problem(const BatchWriter& writer, const Peer& peer);
  /// The first bytes of a stream: said once a connection when they are of a protocol that is not spoken here.
  void log_first_bytes(const Peer& peer, std::string_view first);
  void log_refusal(const Peer& peer, Refusal limit);

 private:
  std::unique_ptr<Transport> make_transport();
  void on_reject(Reason reason, std::string_view bytes, const Problem& problem,
                 const Segment& segment) override;
  void on_batch_complete(BatchId id, Outcome outcome, const std::vector<ConnectionId>& members);
  template <class Visit>
  void for_each_connection(Visit&& visit);

  Listener& listener_;
  IoLoop& loop_;
  std::shared_ptr<const ListenerOptions> options_;
  std::deque<Account> accounts_;  // deque: connections point to them
  Intake intake_;
  Unpacker unpacker_;
  std::vector<std::unique_ptr<Acceptor>> acceptors_;
  std::vector<std::unique_ptr<DatagramSocket>> datagram_sockets_;
  std::optional<Flusher> flusher_;
  std::deque<std::pair<BatchId, ConnectionId>>
      expected_;  // completions asked for, by rising batch id
  log::RateLimit trouble_limit_, refusal_limit_;

  const bool tracks_completion_;
  bool dirty_ = false;
  bool draining_ = false;
  bool past_deadline_ = false;
};

}  // namespace penstock
