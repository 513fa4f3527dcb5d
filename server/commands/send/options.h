#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/result.h"
#include "protocols/framed/send_framing.h"
#include "protocols/framing/length_prefixed.h"
#include "server/net/url.h"

namespace penstock {

/// The shape of generated records.
enum class PayloadKind : std::uint8_t { kSyslog, kRaw, kJson, kStatsd };

/// As on the command line. Not to_string: CLI11 would take it for its own.
std::string_view name_of(SendFraming framing) noexcept;
std::string_view name_of(PayloadKind kind) noexcept;

/// What the command line of `penstock send` says.
struct SendOptions {
  std::string url;
  std::optional<std::uint64_t>
      count;  ///< records over all connections; unset: one test record, or until `duration`
  std::size_t size_bytes = 200;  ///< of a generated record, framing not counted
  double rate = 0;               ///< records a second over all connections; 0: flat out
  std::size_t connections = 1;
  std::size_t idle = 0;                ///< further connections that send nothing
  std::optional<SendFraming> framing;  ///< unset: newline on streams, none elsewhere
  std::string delimiter;               ///< of framing delimiter, as parse_delimiter takes it
  LengthField length;                  ///< of framing length_prefixed
  std::size_t frame_bytes = 0;  ///< of framing fixed; 0: size_bytes, where records are generated
  PayloadKind payload = PayloadKind::kSyslog;
  std::string file;                 ///< sends its lines; `-` is standard input
  std::string replay;               ///< sends the entries of a quarantine file or a dump of a queue
  std::string listener;             ///< replay: only the entries of this listener
  std::uint64_t first = 0;          ///< number of the first generated record
  std::uint64_t seed = 0;           ///< varies the padding of generated records
  double duration_seconds = 0;      ///< stops sending after that time; 0: never
  double timeout_seconds = 10;      ///< to connect, and for the peer's FIN after ours
  std::size_t segment = 0;          ///< udp: datagrams a system call by UDP_SEGMENT; 0: off
  std::size_t batch = 64;           ///< datagrams and packets a system call by sendmmsg
  std::string interface;            ///< udp to a group: leaves there; empty: by the system's route
  int ttl = 0;                      ///< udp to a group: hops; 0: the system's default, 1
  std::string report;               ///< writes what each connection sent, as JSON
  std::vector<std::string> verify;  ///< compares these files instead of sending
  std::string expect;               ///< verify: the report of the run that sent
  bool json = false;
  bool quiet = false;

  /// Records are generated (numbered), not read from a file.
  bool generates() const noexcept { return file.empty() && replay.empty(); }
  /// Only a URL was given: one test record, written for a human reader.
  bool greets() const noexcept { return generates() && !count && duration_seconds <= 0; }
};

/// The framing that applies to `scheme` with these options, which have no problem.
FrameForm effective_form(const SendOptions& options, Scheme scheme) noexcept;

/// Contradictions between options, and values out of range: the message says what is wrong and what would be right.
/// Empty when there are none.
std::string problem_with(const SendOptions& options, Scheme scheme);
std::string problem_with_verify(const SendOptions& options);

}  // namespace penstock
