#include "server/net/acceptor.h"

#include <sys/socket.h>

#include <cerrno>

#include "protocols/core/errno_text.h"
#include "server/net/listener_share.h"
#include "server/net/peer_command.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

constexpr int kMaxAcceptsPerTurn = 64;
/// Turns of accepting from a socket that others go on with: more than any backlog holds.
constexpr int kMaxLeavingTurns = 128;
/// Handshakes get at least one look later (a SYN may be under way in the kernel) and at most this, while there are any
/// (FACTS.md 16): time for a SYN-ACK sent again after 1 s and after 2 s more. Its answer completes the handshake of a
/// client whose ACK was lost, or found the accept queue full.
constexpr std::chrono::milliseconds kMinGrace{20};
constexpr std::chrono::milliseconds kMaxGrace{3500};
/// How long past the deadline an accept queue may wait for descriptors that the last connections free.
constexpr std::chrono::milliseconds kDescriptorGrace{1000};

bool is_lack_of_room(int error) noexcept {
  return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

Peer peer_of(int fd, const sockaddr_storage& address, socklen_t length, Scheme scheme) {
  if (!is_unix(scheme))
    return peer_from_sockaddr(reinterpret_cast<const sockaddr*>(&address), length);
  Peer peer{.kind = Peer::Kind::kUnix};
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
    peer.pid = credentials.pid;
    peer.uid = credentials.uid;
    peer.gid = credentials.gid;
  }
  return peer;
}

}  // namespace

Acceptor::Acceptor(ListenerShare& share, BoundSocket socket, Account& account)
    : share_(share),
      scheme_(socket.scheme),
      address_(socket.address),
      inherited_(socket.inherited),
      file_(std::move(socket.file)),
      account_(account),
      socket_(share.loop().events(), std::move(socket.fd), *this),
      opened_(share.now().monotonic),
      last_accept_(opened_) {}

bool Acceptor::open() {
  if (auto opened = socket_.open(); !opened) {
    log::error("cannot watch listening socket",
               {{"url", account_.origin().url}, {"why", opened.error().message}});
    return false;
  }
  socket_.read();
  return true;
}

void Acceptor::on_readable() { share_.loop().accept_at_turn_end(*this); }

void Acceptor::accept_turn() {
  if (closed()) return;
  const Took took = accept_some();
  if (draining_ && took != Took::kNoRoom) return;  // the sweep decides when it is over
  if (took == Took::kNoRoom) {
    waiting_ = true;
    socket_.stop();
  }
}

void Acceptor::on_error() {
  log::error("listening socket failed", {{"url", account_.origin().url}});
  (void)get_option(socket_.fd(), SOL_SOCKET, SO_ERROR);  // clears it
  socket_.read();
}

Acceptor::Took Acceptor::accept_some() {
  for (int i = 0; i < kMaxAcceptsPerTurn; ++i) {
    if (!draining_ && share_.loop().connection_budget().accepting_waits()) {
      if (share_.loop().connection_budget().is_full())
        share_.log_trouble("cannot accept, connections wait in the queue", Peer{},
                           "as many are open as the descriptor limit allows");
      return Took::kNoRoom;
    }
    int error = 0;
    if (accept_one(error)) continue;
    if (error == EAGAIN || error == EINVAL)
      return Took::kEmpty;  // EINVAL: unix, shut down and empty
    if (!is_lack_of_room(error))
      continue;  // that connection is gone (ECONNABORTED, ...), the next may be fine
    share_.log_trouble("cannot accept, connections wait in the queue", Peer{}, errno_text(error));
    return Took::kNoRoom;
  }
  return Took::kMore;
}

bool Acceptor::accept_one(int& error) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  UniqueFd fd(accept4(socket_.fd(), reinterpret_cast<sockaddr*>(&address), &length,
                      SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) {
    error = errno;
    return false;
  }
  last_accept_ = share_.now().monotonic;
  // Children of a listener that refuses new peers inherit its way of doing so (FACTS.md 16, 18).
  if (draining_ && is_tcp(scheme_) && !inherited_) kernel::thaw_accepted_tcp(fd.get());
  Peer peer = peer_of(fd.get(), address, length, scheme_);
  if (share_.options().peer_commands) read_command(peer);
  share_.listener().deal_out({std::move(fd), peer, &account_.origin(), scheme_}, share_);
  return true;
}

void Acceptor::sweep() {
  if (closed()) return;
  if (draining_) return finish_drain();
  if (!waiting_) return;
  waiting_ = false;
  socket_.read();
}

// ---- stop ---------------------------------------------------------------------------------------------------------

void Acceptor::begin_drain() {
  if (draining_ || closed()) return;
  draining_ = true;
  drain_started_ = share_.now().monotonic;
  if (inherited_) return leave_to_others();
  if (is_tcp(scheme_)) {
    kernel::refuse_new_tcp(socket_.fd());
  } else {
    // Atomic here: the next connect gets ECONNREFUSED, the queue stays acceptable. From now on the socket is readable
    // for ever, so only the sweep accepts.
    ::shutdown(socket_.fd(), SHUT_RD);
    socket_.stop();
    return finish_drain();
  }
  socket_.read();
}

/// What is queued now is ours to serve; whoever comes later waits for the next holder. Nothing is done to the socket.
void Acceptor::leave_to_others() {
  for (int turn = 0; turn < kMaxLeavingTurns && accept_some() == Took::kMore; ++turn) {
  }
  close();
}

bool Acceptor::handshakes_in_progress() const {
  if (!is_tcp(scheme_)) return false;
  const auto waited = share_.now().monotonic - drain_started_;
  if (waited < kMinGrace) return true;
  if (waited >= kMaxGrace || past_deadline_) return false;
  return kernel::half_open_count(address_).value_or(1) != 0;
}

void Acceptor::finish_drain() {
  const bool in_progress =
      handshakes_in_progress();  // asked before the queue is emptied, not after
  for (;;) {
    const Took took = accept_some();
    if (took == Took::kMore) continue;
    if (took == Took::kEmpty && !in_progress) return close();
    if (took == Took::kNoRoom) {
      socket_.stop();
      if (past_deadline_ && share_.now().monotonic - deadline_passed_at_ >= kDescriptorGrace) {
        give_up(kernel::accept_queue_length(socket_.fd(), scheme_).value_or(1));
      }
    }
    return;
  }
}

void Acceptor::at_deadline() {
  if (past_deadline_ || closed()) return;
  begin_drain();
  past_deadline_ = true;
  deadline_passed_at_ = share_.now().monotonic;
}

/// No descriptor came free: what is left in the queue is reset by the close, and counted.
void Acceptor::give_up(std::size_t waiting) {
  account_.cell().ended[static_cast<std::size_t>(ConnectionEnd::kResetByUs)].add(waiting);
  log::error("no descriptor for connections in the accept queue, they are reset",
             {{"listener", share_.options().name},
              {"url", account_.origin().url},
              {"connections", waiting},
              {"reason", "no_descriptor"}});
  close();
}

void Acceptor::close() {
  socket_.close();
  file_.remove();
  share_.socket_closed();
}

}  // namespace penstock
