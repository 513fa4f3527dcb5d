#pragma once

#include <chrono>

#include "protocols/core/batch.h"

#include "server/net/kernel.h"
#include "server/net/socket.h"
#include "server/net/socket_row.h"
#include "server/net/socket_source.h"

namespace penstock {

class Account;

class ListenerShare;

/// A connection on its way from the accepting loop to its own.
struct Accepted {
  UniqueFd fd;
  Peer peer;
  const Origin* origin = nullptr;
  Scheme scheme = Scheme::kTcp;
};

/// One listening socket (tcp, unix, unixpacket) on one loop: accepts itself, as libuv resets connections at EMFILE (FACTS.md
/// 51), and deals them out to the least busy loop. Owned by its share, own loop only.
///
/// Stop: FACTS.md 0.2 and 0.4. Nothing new enters, what stands in the queue (or in a handshake) is still accepted, then
/// it closes: closing with a queue would reset everybody in it (FACTS.md 13). An inherited socket is left as it is: the
/// service manager or a successor goes on with it (FACTS.md 0.6, 21).
class Acceptor final : private SocketEvents {
 public:
  Acceptor(ListenerShare& share, BoundSocket socket, Account& account);

  bool open();  ///< false: the kernel would not watch it (logged)
  void begin_drain();
  void at_deadline();
  /// Goes on after a lack of descriptors or refusals; looks whether the drain is done.
  void sweep();
  /// The end of the turn in which somebody wanted in: those that are here already were read first, and whoever had
  /// finished has left.
  void accept_turn();
  bool closed() const noexcept { return !socket_.is_open(); }
  SocketRow row();  ///< as /api/sockets shows it

 private:
  enum class Took : std::uint8_t { kEmpty, kMore, kNoRoom };

  void on_readable() override;
  void on_error() override;
  Took accept_some();
  bool accept_one(int& error);
  void leave_to_others();
  bool handshakes_in_progress() const;
  void finish_drain();
  void close();
  void give_up(std::size_t waiting);

  ListenerShare& share_;
  Scheme scheme_;
  SocketAddress address_;
  bool inherited_;  // others hold it too and go on with it
  UnixSocketFile file_;
  Account& account_;
  Socket socket_;
  const std::chrono::milliseconds opened_;
  std::chrono::milliseconds last_accept_;
  bool waiting_ = false;  // for a descriptor or a refusal to end
  bool draining_ = false;
  bool past_deadline_ = false;
  std::chrono::milliseconds drain_started_{0};
  std::chrono::milliseconds deadline_passed_at_{0};
};

}  // namespace penstock
