#include "server/net/datagram_slots.h"

#include <netinet/udp.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "protocols/core/check.h"

#ifndef SOL_UDP
#define SOL_UDP 17
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace penstock {
namespace {

constexpr std::size_t kAllSlotsBytes = std::size_t{4} << 20;
constexpr std::size_t kCacheLine = 64;

bool with_address(MessageDetails details) noexcept {
  return details == MessageDetails::kAddress || details == MessageDetails::kAll;
}

bool with_control(MessageDetails details) noexcept {
  return details == MessageDetails::kControl || details == MessageDetails::kAll;
}

}  // namespace

struct DatagramSlots::Slot {
  iovec piece{};
  sockaddr_storage address{};
  // Room for the credentials of a unix message, or the segment size of a udp one, and for nothing else: descriptors
  // that a peer attaches come behind the credentials, where there is no room, and the kernel closes them.
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(ucred))];
};

DatagramSlots::DatagramSlots(std::size_t slot_bytes)
    : slot_bytes_(slot_bytes),
      // An odd number of cache lines: slots at a power of two would all fall into the same few sets.
      stride_((slot_bytes / kCacheLine + 1) / 2 * 2 * kCacheLine + 5 * kCacheLine),
      count_(static_cast<unsigned>(
          std::clamp<std::size_t>(kAllSlotsBytes / slot_bytes, 1, kMaxSlots))) {
  mapped_bytes_ = stride_ * count_;
  void* memory = mmap(nullptr, mapped_bytes_, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  PENSTOCK_CHECK(memory != MAP_FAILED);
  memory_ = static_cast<char*>(memory);
  headers_ = std::make_unique<mmsghdr[]>(count_);
  slots_ = std::make_unique<Slot[]>(count_);
  for (unsigned i = 0; i < count_; ++i) {
    slots_[i].piece = {memory_ + i * stride_, slot_bytes_};
    headers_[i].msg_hdr.msg_iov = &slots_[i].piece;
    headers_[i].msg_hdr.msg_iovlen = 1;
  }
  used_ = count_;
}

DatagramSlots::~DatagramSlots() { munmap(memory_, mapped_bytes_); }

/// Sets back what the kernel wrote into the headers; all of them where it is to be told something else.
void DatagramSlots::prepare(MessageDetails details) noexcept {
  if (details != details_) used_ = count_;
  details_ = details;
  const bool address = with_address(details);
  const bool control = with_control(details);
  for (unsigned i = 0; i < used_; ++i) {
    msghdr& header = headers_[i].msg_hdr;
    header.msg_name = address ? &slots_[i].address : nullptr;
    header.msg_namelen = address ? sizeof(sockaddr_storage) : 0;
    header.msg_control = control ? slots_[i].control : nullptr;
    header.msg_controllen = control ? sizeof(Slot::control) : 0;
    header.msg_flags = 0;
  }
  used_ = 0;
}

int DatagramSlots::receive(int fd, MessageDetails details, unsigned at_most) {
  prepare(details);
  int n;
  do {
    // MSG_TRUNC: msg_len is the length on the wire, whatever the slot kept.
    n = recvmmsg(fd, headers_.get(), std::min(count_, at_most), MSG_DONTWAIT | MSG_TRUNC, nullptr);
  } while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN ? 0 : -errno;
  used_ = static_cast<unsigned>(n);
  if (with_control(details)) {  // without a buffer the kernel closes them
    for (unsigned i = 0; i < used_; ++i) close_attached(i);
  }
  return n;
}

/// A socket without SO_PASSCRED: descriptors come first, and are ours now.
void DatagramSlots::close_attached(unsigned i) const noexcept {
  const cmsghdr* first = CMSG_FIRSTHDR(&headers_[i].msg_hdr);
  if (first == nullptr || first->cmsg_level != SOL_SOCKET || first->cmsg_type != SCM_RIGHTS) return;
  for (std::size_t at = CMSG_LEN(0); at + sizeof(int) <= first->cmsg_len; at += sizeof(int)) {
    int fd = -1;
    std::memcpy(&fd, reinterpret_cast<const char*>(first) + at, sizeof fd);
    ::close(fd);
  }
}

const cmsghdr* DatagramSlots::control(unsigned i, int level, int type) const noexcept {
  msghdr* header = &headers_[i].msg_hdr;
  for (cmsghdr* c = CMSG_FIRSTHDR(header); c != nullptr; c = CMSG_NXTHDR(header, c)) {
    if (c->cmsg_level == level && c->cmsg_type == type) return c;
  }
  return nullptr;
}

std::pair<const sockaddr*, socklen_t> DatagramSlots::address(unsigned i) const noexcept {
  const msghdr& header = headers_[i].msg_hdr;
  return {static_cast<const sockaddr*>(header.msg_name), header.msg_namelen};
}

ReceivedDatagram DatagramSlots::datagram(unsigned i) const noexcept {
  const mmsghdr& message = headers_[i];
  ReceivedDatagram got;
  got.wire_bytes = message.msg_len;
  got.bytes = {memory_ + i * stride_, std::min(got.wire_bytes, slot_bytes_)};
  if (got.wire_bytes == 0) {
    got.end_of_stream =
        message.msg_hdr.msg_controllen == 0 && (message.msg_hdr.msg_flags & MSG_CTRUNC) == 0;
  } else if (details_ == MessageDetails::kAll && message.msg_hdr.msg_controllen != 0) {
    const std::size_t segment = segment_of(i);
    if (segment < got.bytes.size()) got.segment_bytes = segment;
  }
  return got;
}

std::size_t DatagramSlots::segment_of(unsigned i) const noexcept {
  const cmsghdr* gro = control(i, SOL_UDP, UDP_GRO);
  if (gro == nullptr) return 0;
  int segment = 0;
  std::memcpy(&segment, CMSG_DATA(gro), sizeof segment);
  return segment > 0 ? static_cast<std::size_t>(segment) : 0;
}

Peer DatagramSlots::peer(unsigned i) const noexcept {
  const msghdr& header = headers_[i].msg_hdr;
  if (const cmsghdr* credentials = control(i, SOL_SOCKET, SCM_CREDENTIALS)) {
    ucred who{};
    std::memcpy(&who, CMSG_DATA(credentials), sizeof who);
    return {.kind = Peer::Kind::kUnix, .pid = who.pid, .uid = who.uid, .gid = who.gid};
  }
  return peer_from_sockaddr(static_cast<const sockaddr*>(header.msg_name), header.msg_namelen);
}

bool DatagramSlots::same_peer(unsigned i) const noexcept {
  if (i == 0) return false;
  const msghdr& a = headers_[i].msg_hdr;
  const msghdr& b = headers_[i - 1].msg_hdr;
  // A unix sender is its credentials, an inet one its address; a train's segment size in the control data only costs
  // the shortcut.
  return a.msg_namelen == b.msg_namelen && a.msg_controllen == b.msg_controllen &&
         (a.msg_namelen == 0 || std::memcmp(a.msg_name, b.msg_name, a.msg_namelen) == 0) &&
         (a.msg_controllen == 0 ||
          std::memcmp(a.msg_control, b.msg_control, a.msg_controllen) == 0);
}

}  // namespace penstock
