#pragma once

#include <cstdint>
#include <memory>

#include "protocols/core/decoder.h"
#include "server/net/datagram_slots.h"
#include "server/net/parked_list.h"
#include "server/net/rate_meter.h"
#include "server/net/socket.h"
#include "server/net/socket_row.h"
#include "server/net/socket_source.h"

namespace penstock {

class Account;

class ListenerShare;

/// One udp or unixgram socket on one loop. Each datagram is a record of its own sender; what the kernel drops is
/// sampled and counted. Owned by its share, own loop only.
///
/// Stop: FACTS.md 0.3 and 0.5. Freeze, read what is queued, gate willing, close. An inherited socket is not frozen: what
/// comes after our last read is for its next holder.
class DatagramSocket final : private SocketEvents, private Parkable, private Replies {
 public:
  DatagramSocket(ListenerShare& share, BoundSocket socket, Account& account);

  bool open();  ///< false: the kernel would not watch it (logged)
  void begin_drain();
  void sample_drops();
  void sweep(Now now);  ///< the decoder's deadline; the end of a drain, which no poll reports
  bool closed() const noexcept { return !socket_.is_open(); }
  SocketRow row();  ///< as /api/sockets shows it

 private:
  void on_readable() override;
  void on_error() override;
  bool try_resume() override;
  void send(std::string_view bytes) override;

  enum class Reading : std::uint8_t { kMore, kToTheEnd, kNothing };
  Reading read_batch(std::size_t& budget);
  Reading receive_batch(std::size_t& budget);
  void note_read(std::size_t bytes);
  void answer_to(const DatagramSlots& slots, unsigned i) noexcept;
  Peer sender(const DatagramSlots& slots, unsigned i);
  void take_packed(DatagramSlots& slots, std::size_t& budget);
  std::size_t unpack(std::string_view bytes, std::size_t wire_bytes, const Peer& peer);
  unsigned take_run(DatagramSlots& slots, unsigned first, unsigned count, std::size_t& budget);
  std::uint64_t decode(const ReceivedDatagram& datagram, Now now, BatchWriter& writer);
  void leave_to_others();
  template <class Call>
  void decode_nothing(Call call);
  void close();

  ListenerShare& share_;
  const Scheme scheme_;
  const MessageDetails details_;
  UnixSocketFile file_;
  Account& account_;
  Socket socket_;
  std::unique_ptr<Decoder> decoder_;
  std::uint32_t drops_seen_ = 0;  // SO_MEMINFO's counter at the last sample, modulo 2^32
  const std::chrono::milliseconds opened_;
  std::chrono::milliseconds last_read_;
  RateMeter rate_;
  std::uint64_t bytes_read_ = 0, events_ = 0;
  const sockaddr* answer_to_ =
      nullptr;  // of the datagrams that are being decoded; null: cannot be answered
  socklen_t answer_to_bytes_ = 0;
  const bool inherited_;  // others hold it too and go on with it
  bool frozen_ = false;
};

}  // namespace penstock
