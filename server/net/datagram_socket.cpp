#include "server/net/datagram_socket.h"

#include <sys/socket.h>

#include <algorithm>

#include "server/net/datagram_slots.h"
#include "server/net/kernel.h"
#include "server/net/listener_share.h"
#include "server/net/socket_option.h"

namespace penstock {
namespace {

constexpr int kMaxReadsPerTurn = 8;
constexpr std::size_t kMaxBytesPerTurn = std::size_t{1} << 20;
/// Reads from a socket that others go on with: more than a receive buffer of 8 MiB holds of small datagrams.
constexpr int kMaxLeavingReads = 256;

MessageDetails details_of(Scheme scheme, bool gro) noexcept {
  if (!is_udp(scheme)) return MessageDetails::kControl;
  return gro ? MessageDetails::kAll : MessageDetails::kAddress;
}

}  // namespace

DatagramSocket::DatagramSocket(ListenerShare& share, BoundSocket socket, const Origin& origin)
    : share_(share),
      scheme_(socket.scheme),
      details_(details_of(socket.scheme, share.options().gro)),
      file_(std::move(socket.file)),
      origin_(origin),
      socket_(share.loop().events(), std::move(socket.fd), *this),
      decoder_(share.options().make_decoder()),
      inherited_(socket.inherited) {
  // An inherited socket brings drops that are not ours.
  if (socket.inherited) drops_seen_ = kernel::socket_drops(socket_.fd());
}

bool DatagramSocket::open() {
  if (auto opened = socket_.open(); !opened) {
    log::error("cannot watch datagram socket",
               {{"url", origin_.url}, {"why", opened.error().message}});
    return false;
  }
  socket_.read();
  return true;
}

void DatagramSocket::on_readable() {
  std::size_t budget = kMaxBytesPerTurn;
  for (int reads = 0; reads < kMaxReadsPerTurn && budget > 0; ++reads) {
    if (!share_.intake().gate_open()) {
      socket_.stop();
      return share_.loop().parked().add(*this);
    }
    const Reading reading = read_batch(budget);
    if (reading == Reading::kMore) continue;
    if (!frozen_) return;  // what has come meanwhile, the poll reports
    if (reading == Reading::kNothing) return close();
  }
}

/// An ICMP error or the like: the datagrams go on.
void DatagramSocket::on_error() {
  (void)get_option(socket_.fd(), SOL_SOCKET, SO_ERROR);  // clears it
  socket_.read();
}

bool DatagramSocket::try_resume() {
  if (!share_.intake().gate_open()) return false;
  socket_.read();
  return true;
}

/// One system call's worth.
DatagramSocket::Reading DatagramSocket::read_batch(std::size_t& budget) {
  DatagramSlots& slots = share_.slots();
  const int received = slots.receive(socket_.fd(), details_);
  if (received <= 0) return Reading::kNothing;
  const auto count = static_cast<unsigned>(received);
  for (unsigned next = 0; next < count;) next = take_run(slots, next, count, budget);
  return count < slots.count() ? Reading::kToTheEnd : Reading::kMore;
}

/// A run of one sender shares a segment and a call into the intake. Returns where the next run begins.
unsigned DatagramSocket::take_run(DatagramSlots& slots, unsigned first, unsigned count,
                                  std::size_t& budget) {
  unsigned end = first;
  std::size_t room_bytes = 0, wire_bytes = 0;
  do {
    const ReceivedDatagram datagram = slots.datagram(end);
    const std::size_t parts =
        datagram.segment_bytes == 0 ? 1 : datagram.bytes.size() / datagram.segment_bytes + 1;
    room_bytes += datagram.bytes.size() + parts;
    wire_bytes += datagram.wire_bytes;
  } while (++end < count && slots.same_peer(end));
  share_.note_read(wire_bytes);
  budget -= std::min(budget, wire_bytes);

  const Peer peer = slots.peer(first);
  const Now now = share_.now();
  const std::span<char> room = share_.intake().room(room_bytes);
  BatchWriter writer = share_.write(0, peer, origin_, room.data());
  std::uint64_t datagrams = 0;
  for (unsigned i = first; i < end; ++i) datagrams += decode(slots.datagram(i), now, writer);
  share_.intake().commit(writer, room.data());
  share_.note_datagrams(datagrams);
  return end;
}

/// How many datagrams it was.
std::uint64_t DatagramSocket::decode(const ReceivedDatagram& datagram, Now now,
                                     BatchWriter& writer) {
  if (datagram.segment_bytes == 0) {
    decoder_->on_datagram(datagram.bytes, datagram.wire_bytes, now, writer, *this);
    return 1;
  }
  std::uint64_t datagrams = 0;
  for (std::string_view train = datagram.bytes; !train.empty();
       ++datagrams) {  // UDP_GRO: cut at the sender's size
    const std::string_view one = train.substr(0, datagram.segment_bytes);
    train.remove_prefix(one.size());
    decoder_->on_datagram(one, one.size(), now, writer, *this);
  }
  return datagrams;
}

void DatagramSocket::sample_drops() {
  if (closed() || !is_udp(scheme_))
    return;  // unixgram senders wait or get EAGAIN: nothing is dropped
  const std::uint32_t drops = kernel::socket_drops(socket_.fd());
  Counter& counter = frozen_ ? share_.cell().refused_while_stopping : share_.cell().kernel_drops;
  counter.add(static_cast<std::uint32_t>(drops - drops_seen_));
  drops_seen_ = drops;
}

void DatagramSocket::begin_drain() {
  if (frozen_ || closed()) return;
  if (inherited_) return leave_to_others();
  if (is_udp(scheme_)) {
    if (!kernel::freeze_udp(socket_.fd()))
      log::warn("cannot freeze udp socket", {{"url", origin_.url}});
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  sample_drops();  // up to here they are drops, from here on refusals
  frozen_ = true;
  if (!ParkedList::contains(*this)) on_readable();
}

void DatagramSocket::sweep(Now now) {
  if (closed()) return;
  if (const auto due = decoder_->deadline(); due && now.monotonic >= *due) {
    const std::span<char> room = share_.intake().room(0);
    BatchWriter writer = share_.write(0, Peer{}, origin_, room.data());
    decoder_->on_deadline(now, writer, *this);
    share_.intake().commit(writer, room.data());
  }
  if (frozen_ && !ParkedList::contains(*this)) on_readable();
}

void DatagramSocket::leave_to_others() {
  std::size_t budget = kMaxBytesPerTurn;
  for (int reads = 0; reads < kMaxLeavingReads && share_.intake().gate_open(); ++reads) {
    if (read_batch(budget) != Reading::kMore) break;
  }
  close();
}

void DatagramSocket::close() {
  sample_drops();
  share_.loop().parked().remove(*this);
  socket_.close();
  file_.remove();
  share_.socket_closed();
}

}  // namespace penstock
