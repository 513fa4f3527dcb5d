#include "server/net/packet_connection.h"

#include <algorithm>

#include "server/net/datagram_slots.h"
#include "server/net/listener_share.h"

namespace penstock {

Connection::Step PacketConnection::read_once(std::size_t& budget) {
  DatagramSlots& slots = share_.slots();
  const int received = slots.receive(socket_.fd());
  if (received == 0) return Step::kAgain;
  if (received < 0) return stream_error();

  std::size_t bytes = 0;
  for (unsigned i = 0; i < static_cast<unsigned>(received); ++i) bytes += slots.datagram(i).bytes.size() + 1;
  const std::span<char> room = share_.intake().room(bytes);
  BatchWriter writer = open_writer(room.data());
  bool ended = false;
  for (unsigned i = 0; i < static_cast<unsigned>(received) && !ended; ++i) {
    const ReceivedDatagram packet = slots.datagram(i);
    ended = packet.end_of_stream;
    if (ended) break;
    note_read(packet.wire_bytes);
    share_.note_datagrams(1);
    budget -= std::min(budget, packet.wire_bytes);
    decoder_->on_datagram(packet.bytes, packet.wire_bytes, share_.now(), writer, replies());
  }
  share_.intake().commit(writer, room.data());
  const Step step = after_decoder(writer);
  return ended && step == Step::kMore ? end_of_stream() : step;
}

}  // namespace penstock
