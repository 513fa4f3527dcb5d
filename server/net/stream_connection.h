#pragma once

#include "server/net/connection.h"

namespace penstock {

/// A byte stream (tcp, unix). Reads straight into the listener's open block: a short unfinished frame is copied in front
/// of the free space first and the read goes behind it, so that the frame lies in one piece. A longer one keeps a buffer
/// of its own until its frame ends (DESIGN.md section 3, blocks).
class StreamConnection final : public Connection {
 public:
  /// Unfinished frames up to this size are copied in front of each read.
  static constexpr std::size_t kShortTailBytes = 4096;
  /// Most of one recv: bounds what one read of tiny frames adds to the index.
  static constexpr std::size_t kMaxReadBytes = std::size_t{256} << 10;

  StreamConnection(ListenerShare& share, ConnectionId id, UniqueFd fd, const Peer& peer,
                   Account& account, std::unique_ptr<Transport> transport);

 private:
  Step read_once(std::size_t& budget) override;
  Step read_into_block(std::size_t& budget);
  Step read_behind_long_tail(std::size_t& budget);
  /// kMore with `received` 0: bytes were taken, and nothing has come of them yet.
  Step receive(std::span<char> space, std::size_t& budget, std::size_t& received);

  void look_at_first(std::string_view input);

  static constexpr std::size_t kFirstBytes = 16;

  bool looked_at_first_ = false;
};

}  // namespace penstock
