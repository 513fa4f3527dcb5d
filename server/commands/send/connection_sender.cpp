#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <limits>

#include "protocols/core/errno_text.h"
#include "server/commands/send/connect.h"
#include "server/commands/send/epoll_set.h"
#include "server/commands/send/message_batch.h"
#include "server/commands/send/run_clock.h"
#include "server/commands/send/sender.h"
#include "server/net/kernel.h"

namespace penstock {
namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr int kWritesAtATime = 8;  // then the others, and what the peer says
constexpr std::size_t kAnyNumber = std::numeric_limits<std::size_t>::max();

// One connection, from connected to closed.
struct Connection {
  enum class State : std::uint8_t {
    kSending,     // has, or waits for, records
    kLastRecord,  // stopped: writes the rest of the record begun
    kWaiting,     // our FIN is out: waits for the peer's
    kDraining,    // FIN from both sides: waits until the peer's kernel has all
    kClosed,
  };
  UniqueFd fd;
  State state = State::kSending;
  bool peer_fin = false;
  bool full = false;             // the last write met a full socket
  std::uint32_t interest = 0;    // epoll events asked for
  std::int64_t deadline_ns = 0;  // of kLastRecord, kWaiting, kDraining
  ConnectionResult result;
};

bool is_closed(int fd) noexcept {
  const std::optional<kernel::TcpState> tcp = kernel::tcp_state(fd);
  return tcp && tcp->state == TCP_CLOSE;
}

class ConnectionSender {
 public:
  ConnectionSender(const SendPlan& plan, Supply& supply)
      : plan_(plan), supply_(supply), batch_(plan.batch), clock_(plan) {}

  SendResult run() {
    connect_all();
    clock_ = RunClock(plan_);
    sent_ns_ = monotonic_ns();
    const std::int64_t start_ns = sent_ns_;
    while (open_ > 0) turn();
    SendResult result;
    for (Connection& connection : connections_) result.connections.push_back(connection.result);
    result.seconds = static_cast<double>(sent_ns_ - start_ns) / 1e9;
    result.interrupted = clock_.interrupted();
    result.too_long = too_long_;
    result.error = std::move(error_);
    return result;
  }

 private:
  void connect_all() {
    connections_.resize(plan_.connections + plan_.idle);
    for (std::size_t c = 0; c < connections_.size(); ++c) {
      Connection& connection = connections_[c];
      connection.result.idle = is_idle(c);
      // One that fails is told at once: the others would fail alike, each after its timeout.
      Result<UniqueFd> fd = error_.empty()
                                ? connect_to(plan_.url, plan_.addresses, plan_.timeout_ns / kMs)
                                : Result<UniqueFd>(fail(0, ""));
      if (!fd) {
        connection.state = Connection::State::kClosed;
        connection.result.end = SendEnd::kNotConnected;
        if (error_.empty()) error_ = fd.error().message;
        continue;
      }
      connection.fd = std::move(*fd);
      epoll_.add(c, connection.fd.get());
      ++open_;
      sending_ += is_idle(c) ? 0 : 1;
      watch(c);
    }
    if (!error_.empty()) stop_all();
  }

  bool is_idle(std::size_t c) const noexcept { return c >= plan_.connections; }
  bool is_sending(const Connection& connection) const noexcept {
    return connection.state == Connection::State::kSending;
  }

  void turn() {
    const std::int64_t now = clock_.tick(supply_.sent());
    if (clock_.over() && !stopping_) stop_all();
    if (!stopping_ && sending_ == 0) stop_all();  // the idle ones have waited for the others
    if (plan_.rate > 0 && sending_ > 0) send_due(now);
    if (now >= sweep_ns_) sweep(now);
    poll_events(now);
  }

  // ---- events

  void poll_events(std::int64_t now) {
    if (input_waits_ && supply_.input_fd() >= 0) epoll_.watch_input(supply_.input_fd());
    const auto events = epoll_.wait(wait_ns(now));
    for (const epoll_event& event : events) {
      if (event.data.u64 == EpollSet::kInput) continue;  // feed_waiting looks at it
      on_event(static_cast<std::size_t>(event.data.u64), event.events);
    }
    if (input_waits_ && !events.empty()) feed_waiting();
  }

  std::int64_t wait_ns(std::int64_t now) {
    std::int64_t until = std::min({now + 100 * kMs, clock_.over_ns(), sweep_ns_});
    if (plan_.rate > 0 && sending_ > 0 && !all_full_)
      until = std::min(until, clock_.pacer().due_ns(supply_.sent()));
    return until - now;
  }

  void on_event(std::size_t c, std::uint32_t events) {
    Connection& connection = connections_[c];
    if (connection.state == Connection::State::kClosed) return;
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0 && !connection.peer_fin)
      read_replies(c, events);
    if ((events & (EPOLLOUT | EPOLLERR | EPOLLHUP)) != 0) connection.full = false;
    if (connection.state == Connection::State::kLastRecord) finish_record(c);
    if (is_sending(connection) && plan_.rate <= 0 && (events & EPOLLOUT) != 0)
      pump(c, Pacer::kNoLimit);
    watch(c);
  }

  // Whatever the peer says is read and forgotten; what counts is its FIN.
  void read_replies(std::size_t c, std::uint32_t events) {
    Connection& connection = connections_[c];
    std::array<char, 16384> bytes;
    for (int i = 0; i < kWritesAtATime; ++i) {
      const ssize_t n = ::recv(connection.fd.get(), bytes.data(), bytes.size(), 0);
      if (n > 0) continue;
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
      if (n < 0) return end(c, SendEnd::kReset, errno);
      // An empty packet is no FIN.
      if (plan_.url.scheme == Scheme::kUnixpacket && (events & (EPOLLRDHUP | EPOLLHUP)) == 0)
        return;
      return on_peer_fin(c);
    }
  }

  void on_peer_fin(std::size_t c) {
    Connection& connection = connections_[c];
    connection.peer_fin = true;
    if (connection.state == Connection::State::kWaiting) return check_drained(c);
    if (!is_sending(connection)) return;
    const bool early = !is_idle(c) && !supply_.finished(c);
    connection.result.stopped_by_peer = early;
    connection.result.sent_at_fin = is_idle(c) ? 0 : supply_.sent(c);
    stop(c);
  }

  // ---- sending

  // Paced: the quota is shared out among those that can take it, in turn.
  void send_due(std::int64_t now) {
    std::uint64_t quota = clock_.pacer().quota(now, supply_.sent());
    std::size_t blocked = 0;
    while (quota > 0 && blocked < plan_.connections && sending_ > 0) {
      next_ = (next_ + 1) % plan_.connections;
      Connection& connection = connections_[next_];
      const std::uint64_t before = supply_.sent();
      if (is_sending(connection) && !connection.full)
        pump(next_, std::max<std::uint64_t>(1, quota / sending_));
      const std::uint64_t sent = supply_.sent() - before;
      watch(next_);
      quota -= std::min(quota, sent);
      blocked = sent > 0 ? 0 : blocked + 1;
    }
    all_full_ = quota > 0;
  }

  // Writes up to `quota` records, and not more than a few writes.
  void pump(std::size_t c, std::uint64_t quota) {
    Connection& connection = connections_[c];
    for (int i = 0; i < kWritesAtATime && quota > 0 && is_sending(connection); ++i) {
      const std::uint64_t before = supply_.sent(c);
      const Pending pending = supply_.pending(c, quota);
      if (pending.records() == 0) {
        if (supply_.finished(c)) stop(c);
        return;
      }
      if (!write(c, pending)) return;
      quota -= std::min(quota, supply_.sent(c) - before);
    }
    if (is_sending(connection) && supply_.finished(c)) stop(c);
  }

  // False when the socket takes nothing more for now, or never.
  bool write(std::size_t c, const Pending& pending) {
    Connection& connection = connections_[c];
    std::size_t written = 0;
    bool whole = true;
    int error = 0;
    if (plan_.url.scheme == Scheme::kUnixpacket) {
      const int n = batch_.send(connection.fd.get(), pending);
      error = n < 0 ? errno : 0;
      if (n > 0) {
        written = pending.ends[static_cast<std::size_t>(n) - 1] - pending.base;
        supply_.wrote_records(c, static_cast<std::size_t>(n));
      }
    } else {
      const ssize_t n =
          ::send(connection.fd.get(), pending.bytes.data(), pending.bytes.size(), MSG_NOSIGNAL);
      error = n < 0 ? errno : 0;
      written = n > 0 ? static_cast<std::size_t>(n) : 0;
      whole = written == pending.bytes.size();
      if (n >= 0) supply_.wrote(c, written);
    }
    connection.result.bytes += written;
    if (error == EAGAIN || error == ENOBUFS) connection.full = true;
    if (error == 0 || error == EAGAIN || error == ENOBUFS || error == EINTR)
      return error == 0 && whole;
    if (error == EMSGSIZE && supply_.skip_record(c)) {
      ++too_long_;
      return true;
    }
    const bool gone =
        error == EPIPE || error == ECONNRESET || error == ENOTCONN || error == ETIMEDOUT;
    end(c, gone ? SendEnd::kReset : SendEnd::kFailed, error);
    return false;
  }

  // ---- ending

  // No further records on this connection: our FIN follows the record that is begun.
  void stop(std::size_t c) {
    Connection& connection = connections_[c];
    if (!is_sending(connection)) return;
    sending_ -= is_idle(c) ? 0 : 1;
    connection.state = Connection::State::kLastRecord;
    connection.deadline_ns = monotonic_ns() + plan_.timeout_ns;
    sweep_ns_ = 0;
    finish_record(c);
  }

  void stop_all() {
    stopping_ = true;
    for (std::size_t c = 0; c < connections_.size(); ++c) {
      stop(c);
      watch(c);
    }
  }

  void finish_record(std::size_t c) {
    Connection& connection = connections_[c];
    while (!is_idle(c) && supply_.in_record(c)) {
      if (connection.full) return;
      write(c, supply_.pending(c, 1));
      if (connection.state == Connection::State::kClosed) return;
    }
    if (connection.state != Connection::State::kLastRecord) return;
    sent_ns_ = monotonic_ns();
    if (::shutdown(connection.fd.get(), SHUT_WR) != 0) return end(c, SendEnd::kReset, errno);
    connection.state = Connection::State::kWaiting;
    connection.deadline_ns = sent_ns_ + plan_.timeout_ns;
    if (connection.peer_fin) check_drained(c);
  }

  // FIN from both sides. Where the peer's came first, ours may still be under way: wait until it is acknowledged.
  void check_drained(std::size_t c) {
    Connection& connection = connections_[c];
    if (connection.state == Connection::State::kWaiting) {
      epoll_.remove(connection.fd.get());  // it would report EPOLLHUP without end
      connection.state = Connection::State::kDraining;
    }
    if (const int error = socket_error(connection.fd.get()); error != 0)
      return end(c, SendEnd::kReset, error);
    // The state before the queue: the last acknowledgement, which empties the one, closes the other.
    const bool closed = is_tcp(plan_.url.scheme) && is_closed(connection.fd.get());
    if (kernel::send_queue_bytes(connection.fd.get()) == 0) return end(c, SendEnd::kPeerEof, 0);
    if (closed) return end(c, SendEnd::kReset, ECONNRESET);
    sweep_ns_ = 0;
  }

  void end(std::size_t c, SendEnd how, int error) {
    Connection& connection = connections_[c];
    if (connection.state == Connection::State::kClosed) return;
    if (is_sending(connection) && !is_idle(c)) {
      --sending_;
      sent_ns_ = monotonic_ns();
    }
    connection.state = Connection::State::kClosed;
    ConnectionResult& result = connection.result;
    result.end = how;
    result.sent = is_idle(c) ? 0 : supply_.sent(c);
    if (!result.stopped_by_peer) result.sent_at_fin = result.sent;
    if (how != SendEnd::kPeerEof)
      result.unacknowledged_bytes = kernel::send_queue_bytes(connection.fd.get());
    if (error != 0 && error_.empty()) error_ = "send " + plan_.url.text + ": " + errno_text(error);
    connection.fd.reset();
    --open_;
  }

  // Deadlines, and connections whose last bytes are under way.
  void sweep(std::int64_t now) {
    bool draining = false;
    for (std::size_t c = 0; c < connections_.size(); ++c) {
      Connection& connection = connections_[c];
      if (connection.state == Connection::State::kDraining) check_drained(c);
      if (connection.state == Connection::State::kClosed || is_sending(connection)) continue;
      draining = draining || connection.state == Connection::State::kDraining;
      if (now < connection.deadline_ns) continue;
      if (error_.empty()) error_ = plan_.url.text + ": no FIN from the peer within the timeout";
      end(c, SendEnd::kTimedOut, 0);
    }
    sweep_ns_ = now + (draining ? 2 : 50) * kMs;
  }

  // ---- what epoll watches

  void watch(std::size_t c) {
    Connection& connection = connections_[c];
    if (connection.state >= Connection::State::kDraining) return;
    std::uint32_t interest = connection.peer_fin ? 0u : std::uint32_t{EPOLLIN | EPOLLRDHUP};
    const bool flat_out = is_sending(connection) && !is_idle(c) && plan_.rate <= 0 && !starved(c);
    const bool blocked = connection.full && (is_sending(connection) ||
                                             connection.state == Connection::State::kLastRecord);
    if (flat_out || blocked) interest |= EPOLLOUT;
    if (interest == connection.interest) return;
    connection.interest = interest;
    epoll_.ask(c, connection.fd.get(), interest);
  }

  // Flat out, but the input (a pipe) has nothing for it now.
  bool starved(std::size_t c) {
    if (supply_.input_fd() < 0 || supply_.in_record(c)) return false;
    const bool empty = supply_.pending(c, kAnyNumber).records() == 0 && !supply_.finished(c);
    input_waits_ = input_waits_ || empty;
    return empty;
  }

  void feed_waiting() {
    input_waits_ = false;
    epoll_.input_seen();
    for (std::size_t c = 0; c < plan_.connections; ++c) {
      Connection& connection = connections_[c];
      if (!is_sending(connection) || plan_.rate > 0) continue;
      pump(c, Pacer::kNoLimit);
      watch(c);
    }
  }

  const SendPlan& plan_;
  Supply& supply_;
  MessageBatch batch_;
  RunClock clock_;
  EpollSet epoll_;
  std::vector<Connection> connections_;
  std::size_t open_ = 0;     // not kClosed
  std::size_t sending_ = 0;  // kSending, idle ones apart
  std::size_t next_ = 0;     // whose turn it is when paced
  bool all_full_ = false;    // paced: every connection's socket was full
  bool stopping_ = false;
  bool input_waits_ = false;  // a connection starves
  std::int64_t sweep_ns_ = 0;
  std::int64_t sent_ns_ = 0;    // when the last record was written
  std::uint64_t too_long_ = 0;  // unixpacket
  std::string error_;
};

}  // namespace

SendResult send_by_connections(const SendPlan& plan, Supply& supply) {
  tighten_timers();
  return ConnectionSender(plan, supply).run();
}

}  // namespace penstock
