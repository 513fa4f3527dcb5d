#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "server/commands/send/connect.h"
#include "server/commands/send/result.h"
#include "server/commands/send/supply.h"
#include "server/net/url.h"

namespace penstock {

/// What both kinds of sender need to know.
struct SendPlan {
  Url url;
  std::vector<SocketAddress> addresses;
  std::size_t connections = 1;
  std::size_t idle = 0;
  double rate = 0;               ///< records a second, 0: flat out
  std::int64_t duration_ns = 0;  ///< 0: until the supply is finished
  std::int64_t timeout_ns = 10'000'000'000;
  std::size_t batch = 64;         ///< messages a system call
  std::size_t segment = 0;        ///< datagrams a system call by UDP_SEGMENT; 0: off
  std::size_t segment_bytes = 0;  ///< size of each of them
  MulticastWay multicast = {};    ///< udp to a group
  const std::atomic<bool>* interrupt =
      nullptr;  ///< set by a signal handler: stop at record boundaries
  std::function<void(std::uint64_t sent)> progress = {};  ///< called about once a second
};

/// tcp, unix and unixpacket: sends all that `supply` has, half-closes, waits for the peers' FIN. A peer's FIN in between
/// ends its connection at the next record boundary.
SendResult send_by_connections(const SendPlan& plan, Supply& supply);

/// udp and unixgram: sockets take turns, a batch each. A full unixgram queue is waited for; ENOBUFS of udp is retried.
SendResult send_datagrams(const SendPlan& plan, Supply& supply);

}  // namespace penstock
