#include "server/net/stream_connection.h"

#include <algorithm>
#include <cstring>

#include "server/net/listener_share.h"

namespace penstock {

StreamConnection::StreamConnection(ListenerShare& share, ConnectionId id, UniqueFd fd,
                                   const Peer& peer, Account& account,
                                   std::unique_ptr<Transport> transport)
    : Connection(share, id, std::move(fd), peer, account, std::move(transport)) {}

Connection::Step StreamConnection::read_once(std::size_t& budget) {
  return tail_.size() > kShortTailBytes ? read_behind_long_tail(budget) : read_into_block(budget);
}

Connection::Step StreamConnection::receive(std::span<char> space, std::size_t& budget,
                                           std::size_t& received) {
  space = space.first(std::min({space.size(), kMaxReadBytes, budget}));
  const ReadResult result = transport_->read(socket_.fd(), space, account_.counts());
  if (result.wire_bytes != 0) note_read(result.wire_bytes);
  switch (result.status) {
    case ReadResult::Status::kAgain: return Step::kAgain;
    case ReadResult::Status::kWait:
      share_.log_trouble(
          "no memory for another decompressor, waiting", peer(),
          "those that hold a quarter of server.memory may be silent: idle_timeout ends them");
      return Step::kWait;
    case ReadResult::Status::kBroken: return give_up_transport();
    case ReadResult::Status::kEof: return end_of_stream();
    case ReadResult::Status::kError: return stream_error();
    case ReadResult::Status::kBytes: break;
  }
  received = result.bytes;
  budget -= std::min(budget, std::max(received, result.wire_bytes));
  return Step::kMore;
}

Connection::Step StreamConnection::read_into_block(std::size_t& budget) {
  const std::size_t held = tail_.size();
  const std::span<char> room = share_.intake().room(held);
  if (held != 0) std::memcpy(room.data(), tail_.view().data(), held);
  std::size_t received = 0;
  if (const Step step = receive(room.subspan(held), budget, received);
      step != Step::kMore || received == 0)
    return step;

  const std::string_view input(room.data(), held + received);
  if (!looked_at_first_) look_at_first(input);
  BatchWriter writer = open_writer(room.data() + input.size());
  const Consumed consumed = decoder_->on_bytes(input, share_.now(), writer, replies());
  share_.intake().commit(writer, input.data() + consumed.bytes);
  if (consumed.why != nullptr) return give_up(consumed, input.size() - consumed.bytes, writer);
  share_.log_problem(writer, peer());
  tail_.assign(input.substr(consumed.bytes));
  return after_decoder(writer);
}

void StreamConnection::look_at_first(std::string_view input) {
  looked_at_first_ = true;
  share_.log_first_bytes(peer(), input.substr(0, kFirstBytes));
}

Connection::Step StreamConnection::read_behind_long_tail(std::size_t& budget) {
  std::size_t received = 0;
  if (const Step step = receive(tail_.space(kShortTailBytes), budget, received);
      step != Step::kMore || received == 0)
    return step;
  tail_.grow(received);

  // Frames that end here are copied into the block: room for all of them, and a LF behind each, of which at most one
  // has begun before this read.
  const std::span<char> room = share_.intake().room(tail_.size() + received);
  BatchWriter writer = open_writer(room.data());
  const Consumed consumed = decoder_->on_bytes(tail_.view(), share_.now(), writer, replies());
  share_.intake().commit(writer, room.data());
  if (consumed.why != nullptr) return give_up(consumed, tail_.size() - consumed.bytes, writer);
  share_.log_problem(writer, peer());
  tail_.drop_front(consumed.bytes);
  return after_decoder(writer);
}

}  // namespace penstock
