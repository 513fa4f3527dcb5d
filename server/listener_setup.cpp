#include "server/listener_setup.h"

#include <algorithm>

namespace penstock {
namespace {

/// Largest UDP payload, and with it the largest train of UDP_GRO.
constexpr std::size_t kLargestUdpBytes = 65535;
/// Above what a unix socket can send at once with the send buffer that Linux gives it (net.core.wmem_default, 208 KiB).
constexpr std::size_t kLargestUnixBytes = std::size_t{256} << 10;
/// A datagram may end in CR LF, or the listener's own delimiter, which is no part of its frame.
constexpr std::size_t kLineEndBytes = 2;

StreamForm stream_form(Framing framing) noexcept {
  switch (framing) {
    case Framing::kNewline: return StreamForm::kLines;
    case Framing::kNul:
    case Framing::kSyslogAuto: return StreamForm::kText;
    case Framing::kOctetCounted: return StreamForm::kCounts;
    case Framing::kLengthPrefixed:
    case Framing::kVarint: return StreamForm::kLength;
    case Framing::kJson: return StreamForm::kJson;
    case Framing::kDelimiter:
    case Framing::kFixed:
    case Framing::kNone: break;
  }
  return StreamForm::kAny;
}

/// How much of a datagram is kept: a frame and its line end; all of it where it is cut into lines, comes in a train or is
/// compressed. Where all are of udp, no more than one can have: more of the slots are filled by one system call then.
std::size_t datagram_bytes(const config::Listener& listener) {
  const bool whole = listener.gro || listener.frames.split == Split::kNewline ||
                     listener.content_encoding != ContentEncoding::kNone;
  const bool udp = std::ranges::all_of(
      listener.listen, [](const config::ListenUrl& url) { return url.url.starts_with("udp"); });
  std::size_t bytes = listener.frames.max_frame_bytes;
  if (whole) bytes = std::max(bytes, udp ? kLargestUdpBytes : kLargestUnixBytes);
  if (udp) bytes = std::min(bytes, kLargestUdpBytes);
  return bytes + std::max(kLineEndBytes, listener.frames.delimiter.size());
}

/// What a datagram or packet may become is held in memory at once, and no more than that whatever is configured.
DecompressLimits datagram_limits(const config::Listener& listener) {
  constexpr std::size_t kDefaultBytes = std::size_t{1} << 20, kMostBytes = std::size_t{16} << 20;
  constexpr std::size_t kGraceBytes = std::size_t{64} << 10;
  const std::size_t max = listener.max_decompressed_bytes;
  return {.max_bytes = max == 0 ? kDefaultBytes : std::min(max, kMostBytes),
          .max_ratio = listener.max_decompressed_ratio,
          .grace_bytes = kGraceBytes};
}

DecompressLimits stream_limits(const config::Listener& listener) {
  constexpr std::size_t kGraceBytes = std::size_t{1} << 20;
  return {.max_bytes = listener.max_decompressed_bytes,
          .max_ratio = listener.max_decompressed_ratio,
          .grace_bytes = kGraceBytes};
}

bool has_sink(const config::Listener& listener, const std::string& name) {
  const auto in = [&name](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return in(listener.sinks) || in(listener.best_effort_sinks);
}

/// Only JSON and SQLite show the peer's command; a blackhole shows nothing, whatever its encoding.
bool wants_peer_commands(const config::Listener& listener, const std::vector<config::Sink>& sinks) {
  return std::any_of(sinks.begin(), sinks.end(), [&](const config::Sink& sink) {
    const bool shows =
        sink.type == config::SinkType::kSqlite ||
        (sink.encoding == config::Encoding::kJson && sink.type != config::SinkType::kBlackhole);
    return shows && has_sink(listener, sink.name);
  });
}

}  // namespace

std::shared_ptr<const ListenerOptions> make_listener_options(
    const config::Listener& listener, const std::vector<config::Sink>& sinks,
    const ProtocolInfo& protocol, std::shared_ptr<AggregateMemory> memory) {
  auto options = std::make_shared<ListenerOptions>();
  ProtocolOptions of_protocol = listener.of_protocol;
  options->name = listener.name;
  if (protocol.aggregate != nullptr)
    options->aggregate = protocol.aggregate(of_protocol, std::move(memory));
  if (protocol.share != nullptr) protocol.share(of_protocol);
  options->make_decoder = [make = protocol.make, frames = listener.frames, of_protocol] {
    return make(frames, of_protocol);
  };
  options->datagram_bytes = datagram_bytes(listener);
  options->form = protocol.own_framing ? StreamForm::kAny : stream_form(listener.frames.framing);
  options->content_encoding = listener.content_encoding;
  options->stream_limits = stream_limits(listener);
  options->datagram_limits = datagram_limits(listener);
  options->peer_commands = wants_peer_commands(listener, sinks);
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
          .group = listener.group,
          .multicast = multicast_options(listener.multicast)};
}

}  // namespace penstock
