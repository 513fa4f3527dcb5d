#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>

#include <cerrno>

#include "protocols/core/errno_text.h"
#include "server/commands/send/connect.h"
#include "server/commands/send/message_batch.h"
#include "server/commands/send/run_clock.h"
#include "server/commands/send/sender.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

constexpr std::int64_t kRetryNs = 20'000;  // after ENOBUFS
constexpr std::int64_t kLongestWaitNs =
    100'000'000;  // signals and the progress line are looked at that often

class DatagramSender {
 public:
  DatagramSender(const SendPlan& plan, Supply& supply)
      : plan_(plan), supply_(supply), batch_(plan.batch), clock_(plan) {}

  SendResult run() {
    if (open_all()) {
      clock_ = RunClock(plan_);
      while (send_some()) {
      }
    }
    for (std::size_t c = 0; c < sockets_.size(); ++c) {
      ConnectionResult& connection = result_.connections[c];
      connection.sent = connection.sent_at_fin = supply_.sent(c);
      if (connection.end == SendEnd::kOpen) connection.end = SendEnd::kSent;
      // An error may have come back after the last datagram.
      if (is_udp(plan_.url.scheme) && socket_error(sockets_[c].get()) == ECONNREFUSED)
        ++result_.refused;
    }
    result_.seconds = clock_.seconds();
    result_.interrupted = clock_.interrupted();
    return std::move(result_);
  }

 private:
  bool open_all() {
    result_.connections.resize(plan_.connections);
    for (ConnectionResult& connection : result_.connections) {
      Result<UniqueFd> fd =
          connect_to(plan_.url, plan_.addresses, plan_.timeout_ns / 1'000'000, plan_.multicast);
      if (fd && plan_.segment > 0) fd = segmenting(std::move(*fd));
      if (!fd) {
        connection.end = SendEnd::kNotConnected;
        result_.error = fd.error().message;
        return false;
      }
      sockets_.push_back(std::move(*fd));
    }
    return true;
  }

  Result<UniqueFd> segmenting(UniqueFd fd) const {
    const int size = static_cast<int>(plan_.segment_bytes);
    if (set_option(fd.get(), IPPROTO_UDP, UDP_SEGMENT, size)) return fd;
    return fail(errno, "UDP_SEGMENT on " + plan_.url.text + ": " + errno_text(errno));
  }

  // One burst from the socket whose turn it is; false when the run is over.
  bool send_some() {
    const std::int64_t now = clock_.tick(supply_.sent());
    if (clock_.over() || !next_turn()) return false;
    const std::uint64_t quota = clock_.pacer().quota(now, supply_.sent());
    if (quota == 0) {
      sleep_until(std::min(clock_.pacer().due_ns(supply_.sent()), clock_.over_ns()), now);
      return true;
    }
    const std::size_t most = plan_.segment > 0 ? plan_.segment : plan_.batch;
    const Pending pending =
        supply_.pending(turn_, static_cast<std::size_t>(std::min<std::uint64_t>(quota, most)));
    if (pending.records() == 0) {
      if (!supply_.finished(turn_)) wait(supply_.input_fd(), POLLIN);
      return true;
    }
    return write(pending);
  }

  // Moves on to the next socket that has something to send; false when none has.
  bool next_turn() {
    for (std::size_t tried = 0; tried < sockets_.size(); ++tried) {
      turn_ = (turn_ + 1) % sockets_.size();
      if (result_.connections[turn_].end == SendEnd::kOpen && !supply_.finished(turn_)) return true;
    }
    return false;
  }

  bool write(const Pending& pending) {
    const int fd = sockets_[turn_].get();
    std::size_t records = pending.records();
    if (plan_.segment > 0) {
      if (::send(fd, pending.bytes.data(), pending.bytes.size(), MSG_NOSIGNAL) < 0)
        return failed(errno);
    } else {
      const int sent = batch_.send(fd, pending);
      if (sent < 0) return failed(errno);
      records = static_cast<std::size_t>(sent);
    }
    result_.connections[turn_].bytes += pending.ends[records - 1] - pending.base;
    supply_.wrote_records(turn_, records);
    return true;
  }

  // What to do about an error of sending: true goes on.
  bool failed(int error) {
    switch (error) {
      case EINTR: return true;
      case EAGAIN: wait(sockets_[turn_].get(), POLLOUT); return true;
      case ENOBUFS:
        ++result_.retries;
        sleep_until(monotonic_ns() + kRetryNs, monotonic_ns());
        return true;
      case ECONNREFUSED:
        if (is_udp(plan_.url.scheme)) {
          ++result_.refused;
          return true;
        }
        break;
      case EMSGSIZE:
        if (supply_.skip_record(turn_)) {
          ++result_.too_long;
          return true;
        }
        break;
      default: break;
    }
    const bool gone =
        error == ECONNREFUSED || error == ECONNRESET || error == EPIPE || error == ENOTCONN;
    ConnectionResult& connection = result_.connections[turn_];
    connection.end = gone ? SendEnd::kReset : SendEnd::kFailed;
    connection.stopped_by_peer = gone;
    if (result_.error.empty()) result_.error = "send " + plan_.url.text + ": " + errno_text(error);
    return true;
  }

  static void wait(int fd, short events) {
    pollfd poll{fd, events, 0};
    ::poll(&poll, 1, static_cast<int>(kLongestWaitNs / 1'000'000));
  }

  void sleep_until(std::int64_t due_ns, std::int64_t now_ns) const {
    const timespec until = to_timespec(std::min(due_ns, now_ns + kLongestWaitNs));
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr);
  }

  const SendPlan& plan_;
  Supply& supply_;
  MessageBatch batch_;
  RunClock clock_;
  SendResult result_;
  std::vector<UniqueFd> sockets_;
  std::size_t turn_ = 0;
};

}  // namespace

SendResult send_datagrams(const SendPlan& plan, Supply& supply) {
  tighten_timers();
  return DatagramSender(plan, supply).run();
}

}  // namespace penstock
