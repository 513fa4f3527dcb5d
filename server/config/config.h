#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "protocols/compression/coding.h"
#include "protocols/framed/send_framing.h"
#include "protocols/framing/options.h"
#include "protocols/options.h"

/// The configuration as plain values, with every default. The loader fills it, nothing changes it afterwards
/// (DESIGN.md section 8 has the names that users' files rely on).
namespace penstock::config {

enum class AtDeadline { kFreeze, kReset };
enum class LogFormat { kText, kJson };
enum class LogLevel { kDebug, kInfo, kWarn, kError };
enum class SinkType { kFile, kStdout, kBlackhole, kSqlite, kHttp, kRelay, kKafka, kNats };
enum class HttpPreset { kNone, kClickhouse, kInflux, kLoki, kElasticsearch, kSplunk };
enum class HttpCompression { kNone, kGzip, kZstd };
enum class Encoding { kRaw, kJson, kMsgpack, kInflux, kGraphite, kSyslog };
enum class Newlines { kEscape, kKeep, kReplace };
enum class Sync { kNever, kInterval, kAlways };
enum class QueueType { kMemory, kDisk };
enum class QueueSync { kBatch, kInterval, kNever };
enum class WhenFull { kBlock, kDropNewest, kDropOldest };
enum class TimeZone { kUtc, kLocal };
enum class Compress { kNone, kZstd };
enum class NatsStorage { kFile, kMemory };
enum class Balance { kFailover, kRoundRobin, kHash };
enum class RelayProtocol { kRaw, kForward };

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

/// One entry of `listen` or `to`: the URL as written and where, so that later problems can name the place.
struct ListenUrl {
  std::string url;
  Place place;

  friend bool operator==(const ListenUrl&, const ListenUrl&) = default;
};

/// An IP address as written (IPv6 may have a zone), and where.
struct AddressText {
  std::string text;
  Place place;

  friend bool operator==(const AddressText&, const AddressText&) = default;
};

/// What udp sockets join besides the groups that URLs name.
struct Multicast {
  std::vector<AddressText> groups;
  std::string interface;  ///< of all groups without a zone; empty: by the system's route
  Place interface_place;
  std::vector<AddressText> sources;  ///< empty: any source

  friend bool operator==(const Multicast&, const Multicast&) = default;
};

struct Listener {
  std::string name;
  Place place;
  std::vector<ListenUrl> listen;
  std::string protocol = "raw";
  FramingOptions frames;
  ProtocolOptions of_protocol;
  ContentEncoding content_encoding = ContentEncoding::kNone;
  std::size_t max_decompressed_bytes = 0;     ///< 0: 1 MiB a datagram or packet, none a connection
  unsigned max_decompressed_ratio = 200;      ///< 0: off
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
  Multicast multicast;             ///< udp only
  std::vector<std::string> sinks;  ///< required; the loader fills in all sinks where absent
  std::vector<std::string> best_effort_sinks;

  friend bool operator==(const Listener&, const Listener&) = default;
};

struct Queue {
  static constexpr std::size_t kMemoryBytes = 8u << 20;
  static constexpr std::size_t kDiskBytes = std::size_t{1} << 30;

  /// Memory: high watermark; half of it is the low one. Disk: of all its files; kDiskBytes where absent.
  std::size_t max_bytes = kMemoryBytes;
  WhenFull when_full = WhenFull::kBlock;
  QueueType type = QueueType::kMemory;
  std::string path;  ///< disk only: a directory of its own
  QueueSync sync = QueueSync::kBatch;
  std::chrono::milliseconds sync_interval{1000};

  /// High watermark of the queue in memory, which a queue on disk has in front of it.
  std::size_t memory_bytes() const noexcept {
    return type == QueueType::kMemory ? max_bytes : kMemoryBytes;
  }

  friend bool operator==(const Queue&, const Queue&) = default;
};

/// When a file sink's files are moved out of the way, and what becomes of those.
struct Rotate {
  std::size_t size_bytes = 0;     ///< 0: not by size
  std::chrono::seconds every{0};  ///< 0: not by time
  std::size_t keep = 0;           ///< rotated files of each path; 0: all
  Compress compress = Compress::kNone;

  bool enabled() const noexcept { return size_bytes != 0 || every.count() != 0; }

  friend bool operator==(const Rotate&, const Rotate&) = default;
};

/// `name = value` of a table that is handed on to a library as it is.
struct Option {
  std::string name;
  std::string value;  ///< may be a secret
  Place place;        ///< of the name
  Place value_place;

  friend bool operator==(const Option&, const Option&) = default;
};

/// A server that takes records in POST requests.
struct HttpSink {
  std::string endpoint;  ///< http:// or https://
  HttpPreset preset = HttpPreset::kNone;
  std::string target;           ///< table, database or index, as the preset has it
  std::vector<Option> headers;  ///< of each request
  HttpCompression compression = HttpCompression::kNone;
  std::size_t batch_bytes = std::size_t{1} << 20;  ///< of a body before compression
  unsigned in_flight = 1;                          ///< requests at a time
  std::chrono::milliseconds timeout{
      30000};  ///< of one request, from connecting to the answer's end
  std::string ca_file, client_cert, client_key;  ///< PEM; empty: the system's, none

  friend bool operator==(const HttpSink&, const HttpSink&) = default;
};

/// Tables of a SQLite database, and when their rows go.
struct SqliteSink {
  std::string table = "{listener}";   ///< template: {listener} {scheme}
  std::chrono::seconds retention{0};  ///< since receipt; 0: for ever
  std::uint64_t max_rows = 0;         ///< of each table; 0: no limit
  std::size_t max_size_bytes = 0;     ///< of all pages in use; 0: no limit

  friend bool operator==(const SqliteSink&, const SqliteSink&) = default;
};

/// A relay sink of protocol "forward".
struct RelayForward {
  std::string tag;  ///< template, as KafkaSink::topic; empty: the event's, else the listener's name
  bool gzip = false;  ///< CompressedPackedForward
  std::chrono::milliseconds ack_timeout{
      190'000};                     ///< the longest wait for the next acknowledgement
  std::string shared_key_file;      ///< empty: no handshake
  std::string user, password_file;  ///< empty: none

  friend bool operator==(const RelayForward&, const RelayForward&) = default;
};

/// Where a relay sink sends, and how.
struct RelaySink {
  std::vector<ListenUrl> to;              ///< URLs of the receivers, all streams or all messages
  FrameForm form{SendFraming::kNewline};  ///< of streams; a datagram or packet holds one record
  Balance balance = Balance::kFailover;
  RelayProtocol protocol = RelayProtocol::kRaw;
  RelayForward forward;

  friend bool operator==(const RelaySink&, const RelaySink&) = default;
};

/// Topics of a Kafka cluster.
struct KafkaSink {
  std::vector<std::string> brokers;  ///< `host:port`
  std::string topic;                 ///< template: as Sink::path, and {field:NAME}
  std::string key;                   ///< the same; empty: records have no key
  std::vector<Option> options;       ///< of librdkafka

  friend bool operator==(const KafkaSink&, const KafkaSink&) = default;
};

/// Subjects of a NATS server or cluster with JetStream.
struct NatsSink {
  std::vector<std::string> servers;  ///< nats://HOST:PORT or tls://HOST:PORT
  std::string subject;               ///< template: as KafkaSink::topic
  std::string stream;                ///< that must take the records; empty: whichever does
  bool create_stream = false;        ///< where it is missing, with these:
  unsigned replicas = 1;
  NatsStorage storage = NatsStorage::kFile;
  std::string user, password, token;
  std::string credentials_file;                  ///< a user's JWT and seed, as nsc(1) writes them
  std::string nkey, nkey_seed_file;              ///< a user's public key, and the file of its seed
  std::string ca_file, client_cert, client_key;  ///< PEM; empty: the system's, none
  std::chrono::milliseconds ack_timeout{5000};   ///< then a record is sent again
  std::size_t max_in_flight = 4096;              ///< records sent and not acknowledged

  friend bool operator==(const NatsSink&, const NatsSink&) = default;
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
  Rotate rotate;
  SqliteSink sqlite;
  HttpSink http;
  RelaySink relay;
  Queue queue;
  KafkaSink kafka;
  NatsSink nats;
  bool headers = true;  ///< kafka, nats: listener, url, peer and time as headers of each record

  friend bool operator==(const Sink&, const Sink&) = default;
};

struct Quarantine {
  std::string path = "data/quarantine";
  std::size_t max_bytes = 64u << 20;  ///< of all its files; what is left over does not count

  friend bool operator==(const Quarantine&, const Quarantine&) = default;
};

/// Where the server is watched and ordered from.
struct Admin {
  static constexpr std::string_view kOff = "off";

  std::string listen = "unix://./run/admin.sock";  ///< a tcp or unix URL, or kOff
  Place listen_place;                              ///< line 0: the default
  std::string token_file;                          ///< empty: no token is asked for
  Place token_file_place;

  bool is_default() const noexcept { return listen_place.line == 0; }
  friend bool operator==(const Admin&, const Admin&) = default;
};

struct Config {
  std::string file;  ///< path as given; empty for the empty config
  Server server;
  std::vector<Listener> listeners;
  std::vector<Sink> sinks;
  Quarantine quarantine;
  Admin admin;
  std::string shown_text;  ///< the file as it was read, secrets hidden: what may be shown

  friend bool operator==(const Config&, const Config&) = default;
};

}  // namespace penstock::config
