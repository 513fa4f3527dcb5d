#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/forward/client.h"
#include "server/sinks/relay/forward_sending.h"

namespace penstock {

/// What an upstream of protocol "forward" has beside its socket: the handshake, the chunks that are sent and not acknowledged,
/// and how far all are. Begins anew with each connection. The sink's thread only.
class ForwardLink {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMostAwaited = 256;
  static constexpr std::chrono::seconds kHandshakePatience{10};

  /// `sending` outlives this; read from begin() on.
  explicit ForwardLink(const ForwardSending& sending) noexcept : sending_(sending) {}

  void begin(Clock::time_point now);

  /// The handshake is over: chunks may be sent.
  bool ready() const noexcept { return client_ && client_->ready(); }
  /// No more than kMostAwaited wait for their acknowledgement.
  bool has_room() const noexcept { return awaited_.size() < kMostAwaited; }
  std::size_t awaited() const noexcept { return awaited_.size(); }
  /// All bytes of the connection before this one are acknowledged.
  std::uint64_t arrived() const noexcept { return arrived_; }

  /// The chunk `id` goes out; `end` is the offset behind its message.
  void sending(std::string id, std::uint64_t end, Clock::time_point now);

  /// What the receiver says; appends to `reply` what it gets for that. Gives why the connection is of no use any more, else
  /// nothing.
  std::string hear(std::string_view bytes, std::string& reply, Clock::time_point now);

  /// Why the receiver has been silent for too long; nothing: it has not.
  std::string overdue(Clock::time_point now) const;

 private:
  struct Chunk {
    std::string id;
    std::uint64_t end = 0;
    bool acknowledged = false;
  };

  bool acknowledge(std::string_view id);

  const ForwardSending& sending_;
  std::optional<forward::Client> client_;
  std::deque<Chunk>
      awaited_;  // in the order in which they were sent; the first is not acknowledged
  std::uint64_t arrived_ = 0;
  Clock::time_point since_{};  // the receiver owes something
};

}  // namespace penstock
