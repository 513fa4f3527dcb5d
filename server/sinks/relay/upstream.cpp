#include "server/sinks/relay/upstream.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/net/dial.h"
#include "server/sinks/relay/message_writer.h"
#include "server/sinks/relay/stream_writer.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kFirstBackOff{100}, kLongestBackOff{5000};
// For anything of what is written to arrive once the peer has ended: it may read on for as long as it likes.
constexpr std::chrono::seconds kEndPatience{2};
constexpr std::chrono::seconds kLookInterval{1};  // at the peer's silence
constexpr std::uint32_t kLongestSilenceMs = 20'000;
// That a connection works where only the kernel there says so: refusals of datagrams come back later, and a proxy without a
// backend accepts, has its kernel acknowledge, and closes.
constexpr std::chrono::seconds kProof{1};

std::unique_ptr<ForwardLink> make_link(const ForwardSending* forward) {
  if (forward == nullptr) return nullptr;
  return std::make_unique<ForwardLink>(*forward);
}

std::unique_ptr<PartWriter> make_writer(Scheme scheme, const Encoder& encoder,
                                        const ForwardSending* forward, ForwardLink* link) {
  if (link != nullptr) return std::make_unique<ForwardWriter>(encoder, *forward, *link);
  if (is_stream(scheme)) return std::make_unique<StreamWriter>(encoder);
  return std::make_unique<MessageWriter>(encoder, is_udp(scheme));
}

tcp_info info_of(int fd) noexcept {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info;
}

}  // namespace

Upstream::Upstream(Url url, const Encoder& encoder, const ForwardSending* forward,
                   RelayStatistics& statistics, std::string sink)
    : url_(std::move(url)),
      sink_(std::move(sink)),
      statistics_(statistics),
      link_(make_link(forward)),
      writer_(make_writer(url_.scheme, encoder, forward, link_.get())) {}

void Upstream::push(RelayPart& part) {
  if (part.first == nullptr) part.first = this;
  if (part.first != this) ++statistics_.failovers;
  part.upstream = this;
  part.begun = part.written = false;
  part.marks.clear();
  parts_.push_back(&part);
}

bool Upstream::drive(Clock::time_point now) {
  const State state = state_;
  const std::uint64_t written = written_, arrived = arrived_;
  if (state_ == State::kDown || state_ == State::kDialing) dial(now);
  if (fd_) hear(now);
  if (fd_) write_tail(now);
  if (state_ == State::kUp) write_parts(now);
  if (fd_) count_arrived();
  if (proven(now)) failures_ = 0;
  if (state_ == State::kEnding) {
    if (!closing_ && arrived_ != arrived) deadline_ = now + kEndPatience;
    end_when_done(now);
  }
  return (up() && state != State::kUp) || written != written_ || arrived != arrived_;
}

void Upstream::dial(Clock::time_point now) {
  if (state_ == State::kDown) {
    if (now < next_attempt_) return;
    dialer_.emplace(url_, now);
    state_ = State::kDialing;
  }
  auto socket = dialer_->advance(now);
  if (!socket) return;
  if (*socket) return come_up(std::move(**socket), now);
  error_ = socket->error().message;
  back_off(now);
}

void Upstream::come_up(UniqueFd fd, Clock::time_point now) {
  dialer_.reset();
  fd_ = std::move(fd);
  tail_.clear();
  written_ = arrived_ = 0;
  writing_ = 0;
  peer_ended_ = fin_sent_ = false;
  next_look_ = now + kLookInterval;
  proven_at_ = now + kProof;
  ++statistics_.connections_opened;
  state_ = State::kGreeting;
  if (link_) link_->begin(now);
  greeted();
}

// Where there is a handshake, at its end.
void Upstream::greeted() {
  if (state_ != State::kGreeting || (link_ && !link_->ready())) return;
  state_ = State::kUp;
  tell_up();
}

// False: the connection is gone. What a receiver says is not meant for us, unless it acknowledges, but for the end of it.
bool Upstream::take(std::string_view heard, Clock::time_point now) {
  if (!link_) return true;
  const std::string why = link_->hear(heard, tail_, now);
  greeted();
  if (why.empty()) return true;
  break_off(why, 0, now);
  return false;
}

void Upstream::hear(Clock::time_point now) {
  std::array<char, 4096> heard;
  for (int reads = 0; reads < 16 && !peer_ended_; ++reads) {
    const ssize_t n = ::recv(fd_.get(), heard.data(), heard.size(), MSG_DONTWAIT);
    if (n > 0) {
      if (!take({heard.data(), static_cast<std::size_t>(n)}, now)) return;
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) break;
    if (n < 0) return break_off(errno, now);
    if (is_datagram(url_.scheme)) continue;  // an empty datagram
    peer_ended_ = true;
  }
  if (peer_ended_ && link_) return break_off(0, now);
  if (peer_ended_ && state_ == State::kUp) {
    error_ = url_.text + ": ended by the receiver";
    begin_ending(now + kEndPatience);
  }
  watch(now);
}

void Upstream::watch(Clock::time_point now) {
  if (now < next_look_) return;
  next_look_ = now + kLookInterval;
  if (peer_is_silent()) return break_off(ETIMEDOUT, now);
  if (!link_) return;
  const std::string why = link_->overdue(now);
  if (!why.empty()) break_off(why, 0, now);
}

// What is in flight is sent again and again without an answer. A peer that takes nothing more answers, for hours if need be.
bool Upstream::peer_is_silent() const noexcept {
  if (!is_tcp(url_.scheme)) return false;
  const tcp_info info = info_of(fd_.get());
  return info.tcpi_retransmits != 0 && info.tcpi_last_ack_recv >= kLongestSilenceMs;
}

void Upstream::write_tail(Clock::time_point now) {
  while (!tail_.empty()) {
    const ssize_t n = ::send(fd_.get(), tail_.data(), tail_.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == ENOBUFS || errno == ENOMEM)) return;
    if (n < 0) return break_off(errno, now);
    tail_.erase(0, static_cast<std::size_t>(n));
    written_ += static_cast<std::size_t>(n);
    statistics_.sent_bytes += static_cast<std::size_t>(n);
  }
}

void Upstream::write_parts(Clock::time_point now) {
  while (tail_.empty() && writing_ < parts_.size()) {
    RelayPart& part = *parts_[writing_];
    if (!part.begun) {
      part.begun = true;
      part.begin = written_;
      writer_->begin(part);
    }
    const PartWriter::Step step = writer_->write(fd_.get(), written_);
    written_ += step.bytes;
    statistics_.sent_bytes += step.bytes;
    statistics_.messages += step.messages;
    if (step.state == PartWriter::State::kFull) return;
    if (step.state == PartWriter::State::kBroken) return break_off(step.error, now);
    part.written = true;
    part.end = written_;
    ++writing_;
  }
}

void Upstream::count_arrived() {
  int queued = 0;
  if (link_) {
    // Who guesses an id acknowledges what is not sent yet.
    arrived_ = std::min(link_->arrived(), written_);
  } else if (!counts_arrival()) {
    arrived_ = written_;
  } else if (::ioctl(fd_.get(), SIOCOUTQ, &queued) == 0) {
    // A unix peer that closes throws away what it has not read, and the queue with it: only a living one counts. What it
    // holds is more than the bytes, and a FIN is one: never too little.
    pollfd peer{fd_.get(), 0, 0};
    const bool alive = is_tcp(url_.scheme) || ::poll(&peer, 1, 0) == 0;
    const auto unarrived = std::min(static_cast<std::uint64_t>(queued), written_);
    if (alive) arrived_ = std::max(arrived_, written_ - unarrived);
  }
  while (writing_ != 0 && parts_.front()->end <= arrived_) {
    parts_.front()->arrived = true;
    parts_.front()->upstream = nullptr;
    parts_.pop_front();
    --writing_;
  }
}

bool Upstream::proven(Clock::time_point now) const noexcept {
  const bool read_there = link_ || (is_unix(url_.scheme) && counts_arrival());
  return arrived_ != 0 && (read_there || now >= proven_at_);
}

void Upstream::begin_ending(Clock::time_point deadline) {
  state_ = State::kEnding;
  deadline_ = deadline;
  cut_record();
}

// Nothing more is written of the part in hand than the end of the record that is begun.
void Upstream::cut_record() {
  if (writing_ == parts_.size() || !parts_[writing_]->begun || !tail_.empty()) return;
  const RelayPart& part = *parts_[writing_];
  tail_ = writer_->rest_of_record(part, written_ - part.begin);
}

void Upstream::end_when_done(Clock::time_point now) {
  if (tail_.empty() && !fin_sent_) {
    ::shutdown(fd_.get(), SHUT_WR);
    fin_sent_ = true;
  }
  const bool done = fin_sent_ && peer_ended_ && arrived_ == written_;
  if (done || gone() || now >= deadline_) break_off(socket_error(fd_.get()), now);
}

// Nothing will arrive any more, and nothing come.
bool Upstream::gone() const noexcept {
  if (is_tcp(url_.scheme)) return info_of(fd_.get()).tcpi_state == TCP_CLOSE;
  pollfd peer{fd_.get(), 0, 0};
  return is_datagram(url_.scheme) || ::poll(&peer, 1, 0) != 0;
}

bool Upstream::peer_has_read_all(int error) const noexcept {
  if (!is_unix(url_.scheme) || !counts_arrival() || link_) return false;
  pollfd peer{fd_.get(), 0, 0};
  const bool gone = ::poll(&peer, 1, 0) > 0 && (peer.revents & POLLHUP) != 0;
  return gone && (error == 0 || error == EPIPE) && socket_error(fd_.get()) == 0;
}

void Upstream::break_off(int error, Clock::time_point now) {
  break_off(error == 0 ? "ended by the receiver" : errno_text(error), error, now);
}

// A FIN would make a whole record of half a one, but for protocol "forward", which knows the ends of its messages; and what is
// sent again need not arrive here as well.
bool Upstream::leaves_torn() const noexcept {
  if (link_) return !peer_ended_ && !closing_ && arrived_ != written_;
  return !tail_.empty() || (!closing_ && arrived_ != written_);
}

void Upstream::break_off(const std::string& why, int error, Clock::time_point now) {
  if (peer_has_read_all(error)) arrived_ = written_;
  count_arrived();
  cut_record();
  error_ = url_.text + ": " + why;
  for (RelayPart* part : parts_) {
    if (!part->begun) continue;
    part->at = writer_->place_behind(*part, arrived_ - std::min(arrived_, part->begin));
    ++statistics_.resends;
  }
  give_back_parts();
  if (!closing_) ++statistics_.connections_lost;
  if (is_tcp(url_.scheme) && leaves_torn()) {
    const linger reset{1, 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  }
  tail_.clear();
  fd_.reset();
  const bool worked = proven(now) && error != ECONNREFUSED;
  written_ = arrived_ = 0;
  if (closing_) {
    state_ = State::kClosed;
  } else if (worked) {
    state_ = State::kDown;
    next_attempt_ = now;
  } else {
    back_off(now);
  }
}

void Upstream::back_off(Clock::time_point now) {
  constexpr unsigned kMostDoublings = 6;
  dialer_.reset();
  tell_down(now);
  const auto whole = std::min<Clock::duration>(
      kFirstBackOff * (1u << std::min(failures_, kMostDoublings)), kLongestBackOff);
  std::uniform_real_distribution<double> fraction(0.5, 1.0);
  ++failures_;
  next_attempt_ = now + std::chrono::duration_cast<Clock::duration>(whole * fraction(random_));
  state_ = State::kDown;
  give_back_parts();
}

void Upstream::give_back_parts() {
  for (RelayPart* part : parts_) part->upstream = nullptr;
  parts_.clear();
  writing_ = 0;
}

void Upstream::forget(RelayPart& part) {
  part.upstream = nullptr;
  const auto found = std::find(parts_.begin(), parts_.end(), &part);
  if (found == parts_.end()) return;
  if (fd_) count_arrived();
  const auto again = std::find(parts_.begin(), parts_.end(), &part);
  if (again == parts_.end()) return;  // it has arrived
  const auto at = static_cast<std::size_t>(again - parts_.begin());
  if (at == writing_) cut_record();
  if (part.begun) part.at = writer_->place_behind(part, arrived_ - std::min(arrived_, part.begin));
  if (at < writing_) --writing_;
  parts_.erase(again);
}

void Upstream::begin_close(Clock::time_point deadline) {
  closing_ = true;
  if (fd_) return begin_ending(deadline);
  dialer_.reset();
  state_ = State::kClosed;
}

pollfd Upstream::wanted() const noexcept {
  if (state_ == State::kDialing) return {dialer_->fd(), POLLOUT, 0};
  const bool may_write = state_ == State::kUp && (!link_ || link_->has_room());
  const bool more = !tail_.empty() || (may_write && backlogged());
  const auto events = static_cast<short>((peer_ended_ ? 0 : POLLIN) | (more ? POLLOUT : 0));
  return {events == 0 ? -1 : fd_.get(), events, 0};
}

std::string Upstream::trouble() const {
  if (!up()) return error_.empty() ? url_.text + ": not connected yet" : error_;
  if (!waits_for_arrival() && !backlogged()) return {};
  if (link_)
    return url_.text + ": has not acknowledged " + std::to_string(acks_awaited()) + " chunks yet";
  return url_.text + ": takes nothing more, " + std::to_string(unarrived_bytes()) +
         " bytes are on their way to it";
}

// Once a time that it is away; the sink itself may go on meanwhile, with others.
void Upstream::tell_down(Clock::time_point now) {
  const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  std::uint64_t suppressed = 0;
  if (told_down_ || !down_limit_.allow(now_ms.count(), suppressed)) return;
  told_down_ = true;
  log::warn("receiver cannot be reached",
            {{"sink", sink_}, {"url", url_.text}, {"reason", error_}, {"suppressed", suppressed}});
}

void Upstream::tell_up() {
  if (!std::exchange(told_down_, false)) return;
  log::info("receiver is reached again", {{"sink", sink_}, {"url", url_.text}});
}

}  // namespace penstock
