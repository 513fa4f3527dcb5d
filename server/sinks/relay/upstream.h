#pragma once

#include <poll.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "server/log/log.h"
#include "server/net/unique_fd.h"
#include "server/net/url.h"
#include "server/sinks/encoder.h"
#include "server/sinks/relay/dialer.h"
#include "server/sinks/relay/forward_writer.h"
#include "server/sinks/relay/part_writer.h"
#include "server/sinks/relay/relay_statistics.h"

namespace penstock {

/// One receiver of a relay sink: its connection, and the parts that go over it, in order. Connects again by itself, after a
/// pause of 100 ms that doubles to 5 s and is cut by up to half at random.
///
/// A part has arrived when its bytes have: on tcp when the peer's kernel has acknowledged them, on unix and unixpacket when
/// the peer has read them (SIOCOUTQ, tcp(7), unix(7)), on udp and unixgram when this kernel has taken them. When the
/// connection breaks, parts come back: they have no upstream any more, and begin with the first record that has not arrived whole.
///
/// Over protocol "forward" a part has arrived when all of its chunks are acknowledged, whatever the kernels say. A receiver
/// that has sent FIN acknowledges nothing any more, so what is open then comes back at once.
///
/// A peer that sends FIN wants to end: what is begun of a record is sent, then FIN, and when all has arrived the connection
/// is closed and made anew. Never waits. The sink's thread only.
class Upstream {
 public:
  using Clock = std::chrono::steady_clock;

  /// `sink`: its name, for the log. `forward`: null for other protocols. All references outlive this.
  Upstream(Url url, const Encoder& encoder, const ForwardSending* forward,
           RelayStatistics& statistics, std::string sink);
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;

  const std::string& url() const noexcept { return url_.text; }

  bool up() const noexcept { return state_ == State::kUp; }
  /// Up, or on its way there for the first time since it was.
  bool promising() const noexcept { return up() || (on_its_way() && failures_ == 0); }
  /// The next attempt is on, or comes before `time`.
  bool soon(Clock::time_point time) const noexcept {
    return on_its_way() || (state_ == State::kDown && next_attempt_ <= time);
  }
  /// Bytes of parts that the socket has not taken yet are waiting.
  bool backlogged() const noexcept { return writing_ < parts_.size(); }
  /// Written and not arrived.
  std::uint64_t unarrived_bytes() const noexcept { return written_ - arrived_; }
  bool waits_for_arrival() const noexcept { return fd_ && unarrived_bytes() != 0; }
  /// No event tells of what it waits for.
  bool must_look_for_arrival() const noexcept { return waits_for_arrival() && !link_; }
  std::size_t acks_awaited() const noexcept { return link_ ? link_->awaited() : 0; }

  /// Takes `part` in hand. It lives until it has arrived, came back or was forgotten.
  void push(RelayPart& part);

  /// Connects where that is due, writes, sees what has arrived and what the peer says. True when it has come up or bytes have moved.
  bool drive(Clock::time_point now);

  /// Leaves `part` alone. A record that is begun is ended before the next one.
  void forget(RelayPart& part);

  /// No further part will come: sends FIN behind what is written, then waits for the peer's, until `deadline` at most.
  void begin_close(Clock::time_point deadline);
  bool closed() const noexcept { return state_ == State::kClosed; }

  /// What poll(2) should wait for; fd -1: nothing.
  pollfd wanted() const noexcept;

  /// Why what it has in hand is not delivered; empty: it has nothing.
  std::string trouble() const;

 private:
  enum class State : std::uint8_t {
    kDown,      ///< until next_attempt_
    kDialing,   ///< name lookup and connect
    kGreeting,  ///< connected; the handshake is not over
    kUp,
    kEnding,  ///< nothing new is written; FIN goes, and comes or has come
    kClosed,  ///< by begin_close()
  };

  bool on_its_way() const noexcept {
    return state_ == State::kDialing || state_ == State::kGreeting;
  }
  void dial(Clock::time_point now);
  void come_up(UniqueFd fd, Clock::time_point now);
  void hear(Clock::time_point now);
  bool take(std::string_view heard, Clock::time_point now);
  void watch(Clock::time_point now);
  void greeted();
  void write_tail(Clock::time_point now);
  void write_parts(Clock::time_point now);
  void count_arrived();
  void end_when_done(Clock::time_point now);
  void begin_ending(Clock::time_point deadline);
  void cut_record();
  bool peer_is_silent() const noexcept;
  bool gone() const noexcept;
  bool counts_arrival() const noexcept { return !is_datagram(url_.scheme); }
  bool peer_has_read_all(int error) const noexcept;
  bool proven(Clock::time_point now) const noexcept;
  void break_off(int error, Clock::time_point now);
  void break_off(const std::string& why, int error, Clock::time_point now);
  void give_back_parts();
  bool leaves_torn() const noexcept;
  void back_off(Clock::time_point now);
  void tell_down(Clock::time_point now);
  void tell_up();

  const Url url_;
  const std::string sink_;
  RelayStatistics& statistics_;
  const std::unique_ptr<ForwardLink> link_;  // null: not protocol "forward"
  const std::unique_ptr<PartWriter> writer_;
  State state_ = State::kDown;
  bool closing_ = false;
  std::optional<Dialer> dialer_;
  unsigned failures_ = 0;  // in a row
  Clock::time_point next_attempt_{};
  std::minstd_rand random_{std::random_device{}()};
  std::string error_;  // why it is not up, or the last time it was not; empty: never
  bool told_down_ = false;
  log::RateLimit down_limit_;

  // Of the connection.
  UniqueFd fd_;
  std::deque<RelayPart*> parts_;
  std::size_t writing_ = 0;  // into parts_: those before it are written
  std::string tail_;         // of a record that was begun and left: goes first
  std::uint64_t written_ = 0, arrived_ = 0;
  bool peer_ended_ = false, fin_sent_ = false;
  Clock::time_point deadline_{};   // of kEnding
  Clock::time_point next_look_{};  // at how long the peer is silent
  Clock::time_point proven_at_{};  // from then on what has arrived ends the row of failures
};

}  // namespace penstock
