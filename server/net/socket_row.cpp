#include "server/net/socket_row.h"

#include <array>

#include "server/net/acceptor.h"
#include "server/net/connection.h"
#include "server/net/datagram_socket.h"
#include "server/net/io_loop.h"
#include "server/net/listener_share.h"

// How each kind of socket describes itself, on its loop.
namespace penstock {

std::string_view to_string(SocketRow::Kind kind) noexcept {
  constexpr std::array<std::string_view, 3> kNames = {"listening", "datagram", "connection"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::string_view to_string(SocketRow::Phase phase) noexcept {
  constexpr std::array<std::string_view, 7> kNames = {
      "preface", "serving", "paused", "draining", "frozen", "discarding", "finishing"};
  return kNames[static_cast<std::size_t>(phase)];
}

SocketRow::Phase Connection::phase() const noexcept {
  using Phase = SocketRow::Phase;
  switch (state_) {
    case State::kPreface: return Phase::kPreface;
    case State::kServing: break;
    case State::kFrozen: return Phase::kFrozen;
    case State::kDiscarding: return Phase::kDiscarding;
    case State::kAnswering:
    case State::kFinishing:
    case State::kRetired: return Phase::kFinishing;
  }
  if (is_parked()) return Phase::kPaused;
  return draining_ || gentle_deadline_.count() != 0 ? Phase::kDraining : Phase::kServing;
}

SocketRow Connection::row() {
  const std::chrono::milliseconds now = now_ms();
  SocketRow row;
  row.kind = SocketRow::Kind::kConnection;
  row.phase = phase();
  row.origin = &account_.origin();
  row.id = id_;
  row.peer = peer_;
  row.cookie = socket_.cookie();
  row.read_bytes = bytes_read_;
  row.events = events_;
  row.rates = rate_.rates(now);
  row.held_bytes = held_now();
  row.unsent_reply_bytes = socket_.pending_bytes();
  row.age = now - opened_;
  row.idle = now - last_read_;
  if (!is_parked()) return row;
  row.paused = now - parked_since();
  row.paused_by = share_.paused_by(pause_reason());
  return row;
}

SocketRow Acceptor::row() {
  const std::chrono::milliseconds now = share_.now().monotonic;
  SocketRow row;
  row.kind = SocketRow::Kind::kListening;
  row.phase = draining_  ? SocketRow::Phase::kDraining
              : waiting_ ? SocketRow::Phase::kPaused
                         : SocketRow::Phase::kServing;
  row.origin = &account_.origin();
  row.cookie = socket_.cookie();
  row.age = now - opened_;
  row.idle = now - last_accept_;
  return row;
}

SocketRow DatagramSocket::row() {
  const std::chrono::milliseconds now = share_.now().monotonic;
  SocketRow row;
  row.kind = SocketRow::Kind::kDatagram;
  row.phase = frozen_       ? SocketRow::Phase::kFrozen
              : is_parked() ? SocketRow::Phase::kPaused
                            : SocketRow::Phase::kServing;
  row.origin = &account_.origin();
  row.cookie = socket_.cookie();
  row.read_bytes = bytes_read_;
  row.events = events_;
  row.rates = rate_.rates(now);
  row.age = now - opened_;
  row.idle = now - last_read_;
  if (!is_parked()) return row;
  row.paused = now - parked_since();
  row.paused_by = share_.paused_by(pause_reason());
  return row;
}

std::string_view ListenerShare::paused_by(PauseReason reason) const noexcept {
  if (reason == PauseReason::kDecompressor) return "decompressor";
  if (reason == PauseReason::kAnswers) return "acknowledgements";
  const std::string_view sink = intake_.shut_by();
  return sink.empty() ? "memory" : sink;
}

std::size_t IoLoop::copy_rows(std::size_t from, std::size_t most, std::vector<SocketRow>& rows) {
  const auto keep = [&](const SocketRow& row) { rows.push_back(row); };
  if (from == 0) {
    for (auto& share : shares_) share->for_each_row(keep);
  }
  return connections_.visit_some(from, most, [&](Connection& one) { keep(one.row()); });
}

}  // namespace penstock
