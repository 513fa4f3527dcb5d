#pragma once

#include <cstdint>
#include <memory>

#include "protocols/core/decoder.h"
#include "server/net/datagram_slots.h"
#include "server/net/parked_list.h"
#include "server/net/socket.h"
#include "server/net/socket_source.h"

namespace penstock {

class ListenerShare;

/// One udp or unixgram socket on one loop. Each datagram is a record of its own sender; what the kernel drops is
/// sampled and counted. Owned by its share, own loop only.
///
/// Stop: FACTS.md 0.3 and 0.5. Freeze, read what is queued, gate willing, close. An inherited socket is not frozen: what
/// comes after our last read is for its next holder.
class DatagramSocket final : private SocketEvents, private Parkable, private Replies {
 public:
  DatagramSocket(ListenerShare& share, BoundSocket socket, const Origin& origin);

  bool open();  ///< false: the kernel would not watch it (logged)
  void begin_drain();
  void sample_drops();
  void sweep(Now now);  ///< the decoder's deadline; the end of a drain, which no poll reports
  bool closed() const noexcept { return !socket_.is_open(); }

 private:
  void on_readable() override;
  void on_error() override;
  bool try_resume() override;
  void send(std::string_view) override {}  // no protocol answers datagrams yet

  enum class Reading : std::uint8_t { kMore, kToTheEnd, kNothing };
  Reading read_batch(std::size_t& budget);
  unsigned take_run(DatagramSlots& slots, unsigned first, unsigned count, std::size_t& budget);
  std::uint64_t decode(const ReceivedDatagram& datagram, Now now, BatchWriter& writer);
  void leave_to_others();
  void close();

  ListenerShare& share_;
  const Scheme scheme_;
  const MessageDetails details_;
  UnixSocketFile file_;
  const Origin& origin_;
  Socket socket_;
  std::unique_ptr<Decoder> decoder_;
  std::uint32_t drops_seen_ = 0;  // SO_MEMINFO's counter at the last sample, modulo 2^32
  const bool inherited_;          // others hold it too and go on with it
  bool frozen_ = false;
};

}  // namespace penstock
