#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "protocols/core/peer.h"

namespace penstock {

/// One message as recvmmsg stored it. Views live until the next receive().
struct ReceivedDatagram {
  std::string_view bytes;        ///< what was kept of it
  std::size_t wire_bytes = 0;    ///< its length; greater than bytes.size() where it was cut (MSG_TRUNC)
  std::size_t segment_bytes = 0; ///< UDP_GRO: the length of each datagram in the train; 0: a single one
  bool end_of_stream = false;    ///< unixpacket: EOF, not an empty packet (told apart by the missing credentials, which
                                 ///< SO_PASSCRED puts on every real packet; FACTS.md 37)
};

/// Receives datagrams and packets, many a system call, into slots of a loop's own memory. The slots are spread so that
/// their first lines do not share cache sets; pages that no datagram reaches stay untouched. One a loop and slot size.
class DatagramSlots {
 public:
  static constexpr unsigned kMaxSlots = 64;

  /// Each slot keeps `slot_bytes`; larger slots are fewer (4 MiB together, at least one).
  explicit DatagramSlots(std::size_t slot_bytes);
  ~DatagramSlots();

  /// recvmmsg without blocking. Number of messages; 0 when there is nothing, -errno on error. Descriptors that a unix
  /// peer attaches (SCM_RIGHTS) never stay open here.
  int receive(int fd);

  ReceivedDatagram datagram(unsigned i) const noexcept;
  /// Sender of message `i`; unix senders with the credentials of the message.
  Peer peer(unsigned i) const noexcept;
  /// True when message `i` has the same sender as message `i - 1`, so that peer() need not be asked.
  bool same_peer(unsigned i) const noexcept;

  std::size_t slot_bytes() const noexcept { return slot_bytes_; }

 private:
  struct Slot;
  void close_attached(unsigned i) const noexcept;
  const cmsghdr* control(unsigned i, int level, int type) const noexcept;

  std::size_t slot_bytes_, stride_, mapped_bytes_;
  unsigned count_;
  char* memory_ = nullptr;               // mapped: untouched pages cost nothing
  std::unique_ptr<mmsghdr[]> headers_;
  std::unique_ptr<Slot[]> slots_;
  unsigned used_ = 0;                    // headers to set back before the next call
};

}  // namespace penstock
