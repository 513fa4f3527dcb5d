#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

/// The configuration as plain values, with every default. The loader fills it, nothing changes it afterwards
/// (DESIGN.md section 8 has the names that users' files rely on).
namespace penstock::config {

enum class AtDeadline { kFreeze, kReset };
enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class Framing { kNewline, kNul, kOctetCounted, kSyslogAuto };
enum class Split { kNone, kNewline };
enum class Oversize { kTruncate, kDrop, kClose };
enum class Tail { kAuto, kDeliver, kQuarantine, kDrop };
enum class SinkType { kFile, kStdout, kBlackhole };
enum class Encoding { kRaw };
enum class Newlines { kEscape, kKeep, kReplace };
enum class Sync { kNever, kInterval, kAlways };
enum class WhenFull { kBlock, kDropNewest };
enum class TimeZone { kUtc, kLocal };

/// Where in the config file a value stands; line 0 where it stands nowhere.
struct Place {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const Place&, const Place&) = default;
};

struct Server {
  unsigned threads = 0;                   ///< I/O loops; 0 is one a core; up to 256
  std::size_t memory_bytes = 256u << 20;  ///< budget of blocks, indexes and unfinished frames
  std::chrono::milliseconds drain_timeout{6000};  ///< ends reading after a stop signal
  std::chrono::milliseconds flush_timeout{2000};  ///< ends the sinks' phase after that
  std::chrono::milliseconds drain_quiet{
      1000};  ///< silence after which an idle connection is closed early while stopping
  AtDeadline at_deadline = AtDeadline::kFreeze;
  std::size_t max_connections = 0;  ///< 0: the descriptor limit less a reserve
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kText;

  friend bool operator==(const Server&, const Server&) = default;
};

/// One `listen` entry: the URL as written and where, so that later problems can name the place.
struct ListenUrl {
  std::string url;
  Place place;

  friend bool operator==(const ListenUrl&, const ListenUrl&) = default;
};

struct Listener {
  std::string name;
  Place place;
  std::vector<ListenUrl> listen;
  std::string protocol = "raw";
  Framing framing = Framing::kNewline;
  Split split = Split::kNone;               ///< datagrams and packets only
  std::size_t max_frame_bytes = 64u << 10;  ///< 1 to 16 MiB
  Oversize oversize = Oversize::kTruncate;
  Tail tail = Tail::kAuto;
  std::size_t receive_buffer_bytes = 0;       ///< SO_RCVBUF; 0 leaves the system's
  bool gro = false;                           ///< udp only: UDP_GRO
  int backlog = 0;                            ///< 0: net.core.somaxconn
  std::size_t max_connections = 0;            ///< 0: only the server's limit
  std::size_t max_connections_per_peer = 0;   ///< 0: none; by address, unix by uid
  std::chrono::milliseconds idle_timeout{0};  ///< 0: off
  std::chrono::milliseconds first_byte_timeout{0};
  std::optional<std::chrono::seconds> keepalive;  ///< TCP_KEEPIDLE; unset: off
  std::uint32_t mode = 0660;                      ///< of unix socket files
  std::string owner;                              ///< user name or number; empty: ours
  std::string group;
  std::vector<std::string> sinks;  ///< required; the loader fills in all sinks where absent
  std::vector<std::string> best_effort_sinks;

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct Queue {
  std::size_t max_bytes = 8u << 20;  ///< high watermark; half of it is the low one
  WhenFull when_full = WhenFull::kBlock;

  friend bool operator==(const Queue&, const Queue&) = default;
};

struct Sink {
  std::string name;
  Place place;
  SinkType type = SinkType::kFile;
  std::string path;  ///< template: {listener} {peer} {url} {scheme} and strftime
  Encoding encoding = Encoding::kRaw;
  Newlines newlines = Newlines::kEscape;
  Sync sync = Sync::kNever;
  std::chrono::milliseconds sync_interval{1000};
  TimeZone timezone = TimeZone::kUtc;
  std::size_t max_open_files = 128;
  Queue queue;

  friend bool operator==(const Sink&, const Sink&) = default;
};

struct Quarantine {
  std::string path = "data/quarantine";
  std::size_t max_bytes = 64u << 20;  ///< of all its files; leftover files do not count

  friend bool operator==(const Quarantine&, const Quarantine&) = default;
};

struct Config {
  std::string file;  ///< path as given; empty for the empty config
  Server server;
  std::vector<Listener> listeners;
  std::vector<Sink> sinks;
  Quarantine quarantine;

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace penstock::config
