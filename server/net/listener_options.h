#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "protocols/compression/decompressor.h"
#include "protocols/core/aggregate.h"
#include "protocols/core/decoder.h"
#include "server/net/first_bytes.h"
#include "server/net/transport.h"

namespace penstock {

/// What the network side needs to know of a listener. Immutable; shared by all its sockets and connections, so that a
/// connection keeps the options it was accepted under.
struct ListenerOptions {
  std::string name;
  std::function<std::unique_ptr<Decoder>()> make_decoder;
  std::shared_ptr<Aggregate> aggregate;  ///< what the decoders add to; null: nothing
  std::function<std::unique_ptr<Preface>()> make_preface;  ///< null: none
  StreamForm form = StreamForm::kAny;      ///< what streams are expected to be (a hint for the log)
  std::size_t datagram_bytes = 64u << 10;  ///< most of a datagram or packet that is kept
  ContentEncoding content_encoding = ContentEncoding::kNone;
  DecompressLimits stream_limits;    ///< of one connection, from its first byte to its last
  DecompressLimits datagram_limits;  ///< of one datagram or packet; max_bytes is at least 1
  bool peer_commands = false;        ///< unix: a sink wants the names of the peers' processes
  bool gro = false;                  ///< udp: trains of datagrams come in one read
  int backlog = 0;                   ///< 0: net.core.somaxconn
  std::size_t max_connections = 0;   ///< 0: only the process's limit
  std::size_t max_connections_per_peer = 0;   ///< 0: none; by address, unix by uid
  std::chrono::milliseconds idle_timeout{0};  ///< 0: off; stands still while a sink holds us back
  std::chrono::milliseconds first_byte_timeout{0};
  std::optional<std::chrono::seconds> keepalive;  ///< TCP_KEEPIDLE
};

/// How a stop treats connections (DESIGN.md section 6). The same for the whole process.
struct StopOptions {
  std::chrono::milliseconds drain_quiet{
      1000};                       ///< silence after which a finished connection is closed early
  bool reset_at_deadline = false;  ///< at_deadline = "reset": no LINGER2 behind the freeze
};

}  // namespace penstock
