#include "server/listener_setup.h"

#include <algorithm>

namespace penstock {
namespace {

/// Largest UDP payload, and with it the largest train of UDP_GRO.
constexpr std::size_t kLargestUdpBytes = 65535;
/// A datagram may end in CR LF, which is no part of its frame.
constexpr std::size_t kLineEndBytes = 2;

RawOptions raw_options(const config::Listener& listener) {
  RawOptions raw{.max_frame_bytes = listener.max_frame_bytes};
  switch (listener.framing) {
    case config::Framing::kNewline: raw.framing = RawOptions::Framing::kNewline; break;
    case config::Framing::kNul: raw.framing = RawOptions::Framing::kNul; break;
    case config::Framing::kOctetCounted: raw.framing = RawOptions::Framing::kOctetCounted; break;
    case config::Framing::kSyslogAuto: raw.framing = RawOptions::Framing::kSyslogAuto; break;
  }
  switch (listener.split) {
    case config::Split::kNone: raw.split = RawOptions::Split::kNone; break;
    case config::Split::kNewline: raw.split = RawOptions::Split::kNewline; break;
  }
  switch (listener.oversize) {
    case config::Oversize::kTruncate: raw.oversize = RawOptions::Oversize::kTruncate; break;
    case config::Oversize::kDrop: raw.oversize = RawOptions::Oversize::kDrop; break;
    case config::Oversize::kClose: raw.oversize = RawOptions::Oversize::kClose; break;
  }
  switch (listener.tail) {
    case config::Tail::kAuto: raw.tail = RawOptions::Tail::kAuto; break;
    case config::Tail::kDeliver: raw.tail = RawOptions::Tail::kDeliver; break;
    case config::Tail::kQuarantine: raw.tail = RawOptions::Tail::kQuarantine; break;
    case config::Tail::kDrop: raw.tail = RawOptions::Tail::kDrop; break;
  }
  return raw;
}

/// How much of a datagram is kept: a frame and its line end; all of it where it is cut into lines or comes in a train.
std::size_t datagram_bytes(const config::Listener& listener) {
  const bool whole = listener.gro || listener.split == config::Split::kNewline;
  return (whole ? std::max(listener.max_frame_bytes, kLargestUdpBytes) : listener.max_frame_bytes) +
         kLineEndBytes;
}

}  // namespace

std::shared_ptr<const ListenerOptions> make_listener_options(const config::Listener& listener,
                                                             const ProtocolInfo& protocol) {
  auto options = std::make_shared<ListenerOptions>();
  options->name = listener.name;
  options->make_decoder = [make = protocol.make, raw = ProtocolOptions(raw_options(listener))] {
    return make(raw);
  };
  options->datagram_bytes = datagram_bytes(listener);
  options->lines = listener.framing == config::Framing::kNewline;
  options->gro = listener.gro;
  options->backlog = listener.backlog;
  options->max_connections = listener.max_connections;
  options->max_connections_per_peer = listener.max_connections_per_peer;
  options->idle_timeout = listener.idle_timeout;
  options->first_byte_timeout = listener.first_byte_timeout;
  options->keepalive = listener.keepalive;
  return options;
}

BindOptions make_bind_options(const config::Listener& listener) {
  return {.receive_buffer_bytes = listener.receive_buffer_bytes,
          .gro = listener.gro,
          .backlog = listener.backlog,
          .mode = listener.mode,
          .owner = listener.owner,
          .group = listener.group};
}

}  // namespace penstock
