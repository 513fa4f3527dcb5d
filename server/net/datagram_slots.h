#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "protocols/core/peer.h"

namespace penstock {

/// One message as recvmmsg stored it. Views live until the next receive().
struct ReceivedDatagram {
  std::string_view bytes;  ///< what was kept of it
  std::size_t wire_bytes =
      0;  ///< its length; greater than bytes.size() where it was cut (MSG_TRUNC)
  std::size_t segment_bytes =
      0;  ///< UDP_GRO: the length of each datagram in the train; 0: a single one
  bool end_of_stream =
      false;  ///< unixpacket with SO_PASSCRED: EOF, not an empty packet, which has credentials or,
              ///< where none were asked for, MSG_CTRUNC instead (FACTS.md 37)
};

/// What the kernel is to tell of a message besides its bytes: 20 to 100 ns each, on 450 to 750 for the message itself.
enum class MessageDetails : std::uint8_t {
  kNone,     ///< unixpacket: the connection knows its peer
  kControl,  ///< unixgram: the credentials are the sender
  kAddress,  ///< udp
  kAll       ///< udp with UDP_GRO
};

/// Receives datagrams and packets, many a system call, into slots of a loop's own memory. The slots are spread so that
/// their first lines do not share cache sets; pages that no datagram reaches stay untouched. One a loop and slot size.
class DatagramSlots {
 public:
  static constexpr unsigned kMaxSlots = 64;

  /// Each slot keeps `slot_bytes`; larger slots are fewer (4 MiB together, at least one).
  explicit DatagramSlots(std::size_t slot_bytes);
  ~DatagramSlots();

  /// recvmmsg without blocking. Number of messages, fewer than count() (and `at_most`) when the queue was read to its end; 0 when there
  /// is nothing, -errno on error. Descriptors that a unix peer attaches (SCM_RIGHTS) never stay open here.
  int receive(int fd, MessageDetails details = MessageDetails::kAll, unsigned at_most = kMaxSlots);

  ReceivedDatagram datagram(unsigned i) const noexcept;
  /// Sender of message `i`, as far as the details tell; unix senders with the credentials of the message.
  Peer peer(unsigned i) const noexcept;
  /// The address to answer message `i` at, and its length; 0 where the details tell none. Until the next receive().
  std::pair<const sockaddr*, socklen_t> address(unsigned i) const noexcept;
  /// True when message `i` has the same sender as message `i - 1`, so that peer() need not be asked.
  bool same_peer(unsigned i) const noexcept;

  std::size_t slot_bytes() const noexcept { return slot_bytes_; }
  /// Most messages that one receive() brings.
  unsigned count() const noexcept { return count_; }

 private:
  struct Slot;
  void prepare(MessageDetails details) noexcept;
  void close_attached(unsigned i) const noexcept;
  std::size_t segment_of(unsigned i) const noexcept;
  const cmsghdr* control(unsigned i, int level, int type) const noexcept;

  std::size_t slot_bytes_, stride_, mapped_bytes_;
  unsigned count_;
  char* memory_ = nullptr;  // mapped: untouched pages cost nothing
  std::unique_ptr<mmsghdr[]> headers_;
  std::unique_ptr<Slot[]> slots_;
  MessageDetails details_ = MessageDetails::kNone;  // of the last call
  unsigned used_ = 0;                               // headers to set back before the next call
};

}  // namespace penstock
