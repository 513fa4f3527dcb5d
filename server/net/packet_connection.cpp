#include "server/net/packet_connection.h"

#include <algorithm>

#include "server/net/datagram_slots.h"
#include "server/net/listener_share.h"

namespace penstock {

Connection::Step PacketConnection::read_once(std::size_t& budget) {
  if (share_.unpacker().active()) return read_packed(budget);
  DatagramSlots& slots = share_.slots();
  const int received = slots.receive(socket_.fd(), MessageDetails::kNone);
  if (received == 0) return Step::kAgain;
  if (received < 0) return stream_error();

  unsigned packets = 0;  // in front of the end
  std::size_t bytes = 0, wire_bytes = 0;
  for (const auto all = static_cast<unsigned>(received); packets < all; ++packets) {
    const ReceivedDatagram packet = slots.datagram(packets);
    if (packet.end_of_stream) break;
    bytes += packet.bytes.size() + 1;
    wire_bytes += packet.wire_bytes;
  }
  const bool ended = packets < static_cast<unsigned>(received);
  if (packets != 0) note_read(wire_bytes);
  account_.cell().datagrams.add(packets);
  budget -= std::min(budget, wire_bytes);

  const Now now = share_.now();
  const std::span<char> room = share_.intake().room(bytes);
  BatchWriter writer = open_writer(room.data());
  for (unsigned i = 0; i < packets; ++i) {
    const ReceivedDatagram packet = slots.datagram(i);
    decoder_->on_datagram(packet.bytes, packet.wire_bytes, now, writer, replies());
  }
  share_.intake().commit(writer, room.data());
  share_.log_problem(writer, peer());
  const Step step = after_decoder(writer);
  return ended && step == Step::kMore ? end_of_stream() : step;
}

/// One by one: what becomes of a compressed packet is known only afterwards, and then the gate is asked again.
Connection::Step PacketConnection::read_packed(std::size_t& budget) {
  DatagramSlots& slots = share_.slots();
  const int received = slots.receive(socket_.fd(), MessageDetails::kNone, 1);
  if (received == 0) return Step::kAgain;
  if (received < 0) return stream_error();
  const ReceivedDatagram packet = slots.datagram(0);
  if (packet.end_of_stream) return end_of_stream();
  note_read(packet.wire_bytes);
  account_.cell().datagrams.add(1);

  Intake& intake = share_.intake();
  const Unpacked content =
      share_.unpacker().unpack(packet.bytes, packet.wire_bytes, account_.counts());
  if (content.why != nullptr) share_.log_trouble("undecodable packet", peer(), content.why);
  budget -= std::min(budget, std::max(packet.wire_bytes, content.bytes.size()));
  const std::span<char> room = intake.room(content.bytes.size() + 1);
  BatchWriter writer = open_writer(room.data());
  content.give_to(*decoder_, share_.now(), writer, replies());
  intake.commit(writer, room.data());
  share_.log_problem(writer, peer());
  return after_decoder(writer);
}

/// Packets in front of the end are given first, the end with the next call.
ReadResult PacketConnection::read_unseen() {
  DatagramSlots& slots = share_.slots();
  const int received = slots.receive(socket_.fd());
  if (received == 0) return {};
  if (received < 0) return {ReadResult::Status::kError, 0, -received};
  if (slots.datagram(0).end_of_stream) return {ReadResult::Status::kEof, 0, 0};
  ReadResult result{ReadResult::Status::kBytes, 0, 0};
  for (unsigned i = 0; i < static_cast<unsigned>(received); ++i)
    result.bytes += slots.datagram(i).wire_bytes;
  return result;
}

}  // namespace penstock
