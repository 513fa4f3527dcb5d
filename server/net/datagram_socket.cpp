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
/// Where datagrams come one by one.
constexpr int kMaxPackedReadsPerTurn = 64;
constexpr std::size_t kMaxBytesPerTurn = std::size_t{1} << 20;
/// Reads from a socket that others go on with: more than a receive buffer of 8 MiB holds of small datagrams.
constexpr int kMaxLeavingReads = 256;

MessageDetails details_of(Scheme scheme, bool gro) noexcept {
  if (!is_udp(scheme)) return MessageDetails::kControl;
  return gro ? MessageDetails::kAll : MessageDetails::kAddress;
}

}  // namespace

DatagramSocket::DatagramSocket(ListenerShare& share, BoundSocket socket, Account& account)
    : Parkable(account.cell().paused),
      share_(share),
      scheme_(socket.scheme),
      details_(details_of(socket.scheme, share.options().gro)),
      file_(std::move(socket.file)),
      account_(account),
      socket_(share.loop().events(), std::move(socket.fd), *this),
      decoder_(share.options().make_decoder()),
      opened_(share.now().monotonic),
      last_read_(opened_),
      inherited_(socket.inherited) {
  // An inherited socket brings drops that are not ours.
  if (socket.inherited) drops_seen_ = kernel::socket_drops(socket_.fd());
}

bool DatagramSocket::open() {
  if (auto opened = socket_.open(); !opened) {
    log::error("cannot watch datagram socket",
               {{"url", account_.origin().url}, {"why", opened.error().message}});
    return false;
  }
  socket_.read();
  return true;
}

void DatagramSocket::on_readable() {
  std::size_t budget = kMaxBytesPerTurn;
  const int most = share_.unpacker().active() ? kMaxPackedReadsPerTurn : kMaxReadsPerTurn;
  for (int reads = 0; reads < most && budget > 0; ++reads) {
    if (!share_.intake().gate_open()) {
      socket_.stop();
      return share_.loop().parked().add(*this, share_.now().monotonic);
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

DatagramSocket::Reading DatagramSocket::read_batch(std::size_t& budget) {
  const std::uint64_t events_before = account_.events(), bytes_before = bytes_read_;
  const Reading reading = receive_batch(budget);
  if (decoder_->deadline()) share_.loop().watch_clock();
  const std::uint64_t events = account_.events() - events_before;
  events_ += events;
  if (bytes_read_ != bytes_before || events != 0)
    rate_.add(share_.now().monotonic, bytes_read_ - bytes_before, events);
  return reading;
}

void DatagramSocket::note_read(std::size_t bytes) {
  bytes_read_ += bytes;
  last_read_ = share_.now().monotonic;
  share_.note_read(account_, bytes);
}

/// One system call's worth.
DatagramSocket::Reading DatagramSocket::receive_batch(std::size_t& budget) {
  DatagramSlots& slots = share_.slots();
  const bool packed = share_.unpacker().active();
  const int received = slots.receive(socket_.fd(), details_, packed ? 1 : DatagramSlots::kMaxSlots);
  if (received <= 0) return Reading::kNothing;
  if (packed) {
    take_packed(slots, budget);
    return Reading::kMore;
  }
  const auto count = static_cast<unsigned>(received);
  for (unsigned next = 0; next < count;) next = take_run(slots, next, count, budget);
  return count < slots.count() ? Reading::kToTheEnd : Reading::kMore;
}

void DatagramSocket::answer_to(const DatagramSlots& slots, unsigned i) noexcept {
  const auto [address, bytes] = slots.address(i);
  answer_to_ = bytes == 0 ? nullptr : address;
  answer_to_bytes_ = bytes;
}

/// To whoever sent the datagram that is being decoded. Like all datagrams it may be lost: nobody waits for it here.
void DatagramSocket::send(std::string_view bytes) {
  if (answer_to_ == nullptr) return;
  (void)::sendto(socket_.fd(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL, answer_to_,
                 answer_to_bytes_);
}

Peer DatagramSocket::sender(const DatagramSlots& slots, unsigned i) {
  Peer peer = slots.peer(i);
  if (share_.options().peer_commands)
    share_.loop().commands().add_command(peer, share_.now().monotonic);
  return peer;
}

/// Compressed datagrams are taken one by one: what becomes of one is known only afterwards, and then the gate is asked
/// again.
void DatagramSocket::take_packed(DatagramSlots& slots, std::size_t& budget) {
  const ReceivedDatagram datagram = slots.datagram(0);
  const Peer peer = sender(slots, 0);
  answer_to(slots, 0);
  note_read(datagram.wire_bytes);
  budget -= std::min(budget, datagram.wire_bytes);
  std::uint64_t datagrams = 0;
  std::string_view rest = datagram.bytes;
  do {  // one, or those of a train
    const bool train = datagram.segment_bytes != 0;
    const std::string_view one = train ? rest.substr(0, datagram.segment_bytes) : rest;
    rest.remove_prefix(one.size());
    budget -= std::min(budget, unpack(one, train ? one.size() : datagram.wire_bytes, peer));
    ++datagrams;
  } while (!rest.empty());
  account_.cell().datagrams.add(datagrams);
}

/// How much came out of it.
std::size_t DatagramSocket::unpack(std::string_view bytes, std::size_t wire_bytes,
                                   const Peer& peer) {
  Intake& intake = share_.intake();
  const Unpacked content = share_.unpacker().unpack(bytes, wire_bytes, account_.counts());
  if (content.why != nullptr) share_.log_trouble("undecodable datagram", peer, content.why);
  const std::span<char> room = intake.room(content.bytes.size() + 1);
  BatchWriter writer = share_.write(0, peer, account_, room.data());
  content.give_to(*decoder_, share_.now(), writer, *this);
  intake.commit(writer, room.data());
  share_.log_problem(writer, peer);
  return content.bytes.size();
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
  note_read(wire_bytes);
  budget -= std::min(budget, wire_bytes);

  const Peer peer = sender(slots, first);
  answer_to(slots, first);
  const Now now = share_.now();
  const std::span<char> room = share_.intake().room(room_bytes);
  BatchWriter writer = share_.write(0, peer, account_, room.data());
  std::uint64_t datagrams = 0;
  for (unsigned i = first; i < end; ++i) datagrams += decode(slots.datagram(i), now, writer);
  share_.intake().commit(writer, room.data());
  share_.log_problem(writer, peer);
  account_.cell().datagrams.add(datagrams);
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
  Counter& counter =
      frozen_ ? account_.cell().refused_while_stopping : account_.cell().kernel_drops;
  counter.add(static_cast<std::uint32_t>(drops - drops_seen_));
  drops_seen_ = drops;
}

void DatagramSocket::begin_drain() {
  if (frozen_ || closed()) return;
  if (inherited_) return leave_to_others();
  // Up to here they are drops, from here on refusals. Sampled before the freeze: what that turns away before a sample
  // behind it could be taken would count as dropped for want of room.
  sample_drops();
  frozen_ = true;
  if (is_udp(scheme_)) {
    if (!kernel::freeze_udp(socket_.fd()))
      log::warn("cannot freeze udp socket", {{"url", account_.origin().url}});
  } else {
    ::shutdown(socket_.fd(), SHUT_RD);
  }
  if (!is_parked()) on_readable();
}

void DatagramSocket::sweep(Now now) {
  if (closed()) return;
  if (const auto due = decoder_->deadline(); due && now.monotonic >= *due)
    decode_nothing([&](BatchWriter& writer) { decoder_->on_deadline(now, writer, *this); });
  if (frozen_ && !is_parked()) on_readable();
}

/// A call into the decoder that no datagram is the cause of.
template <class Call>
void DatagramSocket::decode_nothing(Call call) {
  const std::span<char> room = share_.intake().room(0);
  BatchWriter writer = share_.write(0, Peer{}, account_, room.data());
  answer_to_ = nullptr;
  call(writer);
  share_.intake().commit(writer, room.data());
  share_.log_problem(writer, Peer{});
}

void DatagramSocket::leave_to_others() {
  std::size_t budget = kMaxBytesPerTurn;
  const int most = kMaxLeavingReads *
                   (share_.unpacker().active() ? static_cast<int>(DatagramSlots::kMaxSlots) : 1);
  for (int reads = 0; reads < most && share_.intake().gate_open(); ++reads) {
    if (read_batch(budget) != Reading::kMore) break;
  }
  close();
}

void DatagramSocket::close() {
  sample_drops();
  if (decoder_->deadline())  // it waits for more, and keeps what has come
    decode_nothing(
        [&](BatchWriter& writer) { decoder_->on_end(EndReason::kDeadline, {}, writer); });
  share_.loop().parked().remove(*this);
  socket_.close();
  file_.remove();
  share_.socket_closed();
}

}  // namespace penstock
