#include "server/config/keys.h"

#include <array>

#include "protocols/table.h"
#include "server/config/key_values.h"
#include "server/config/rules.h"
#include "server/config/value_parsers.h"

namespace penstock::config {
namespace {

// The words of each enumeration, in the order of its enumerators.
constexpr std::array<std::string_view, 2> kAtDeadlines = {"freeze", "reset"};
constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 10> kFramings = {
    "newline",         "nul",    "octet_counted", "syslog_auto", "delimiter",
    "length_prefixed", "varint", "fixed",         "json",        "none"};
constexpr std::array<std::string_view, 2> kSplits = {"none", "newline"};
constexpr std::array<std::string_view, 3> kOversizes = {"truncate", "drop", "close"};
constexpr std::array<std::string_view, 4> kTails = {"auto", "deliver", "quarantine", "drop"};
constexpr std::array<std::string_view, 5> kContentEncodings = {"none", "auto", "gzip", "zlib",
                                                               "zstd"};

constexpr std::array<std::string_view, 2> kUnparsed = {"deliver", "quarantine"};
constexpr std::array<std::string_view, 4> kInfluxPrecisions = {"ns", "us", "ms", "s"};
constexpr std::array<std::string_view, 3> kSyslogForms = {"auto", "rfc3164", "rfc5424"};
constexpr std::array<std::string_view, 3> kCollectdSecurities = {"none", "sign", "encrypt"};
constexpr std::array<std::string_view, 2> kSyslogPayloads = {"none", "cef"};

constexpr std::int64_t kMostConnections = 10'000'000;
constexpr std::int64_t kMostDepth = 512, kMostFields = 1'000'000;  // of one JSON object

/// Names of the table of protocols, which stands still.
std::span<const std::string_view> protocol_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all;
    for (const ProtocolInfo& row : protocol_table()) all.push_back(row.name);
    return all;
  }();
  return names;
}

void store_listen(Listener& listener, const Value& value) {
  for (const auto& item : value.items) listener.listen.push_back({item.text, item.place});
}

void store_keepalive(Listener& listener, const Value& value) {
  listener.keepalive.reset();
  if (value.number != 0) listener.keepalive = std::chrono::seconds(value.number / kSecond);
}

std::vector<AddressText> addresses(const Value& value) {
  std::vector<AddressText> out;
  for (const auto& item : value.items) out.push_back({item.text, item.place});
  return out;
}

void store_interface(Listener& listener, const Value& value) {
  listener.multicast.interface = value.text();
  listener.multicast.interface_place = value.items.front().place;
}

const std::array kServerKeys = {
    Key<Server>{"threads", count(1, 256, "one a core"),
                [](Server& s, const Value& v) { s.threads = as<unsigned>(v); }},
    Key<Server>{"memory", size(16 * kMiB, kTiB, "256MiB"),
                [](Server& s, const Value& v) { s.memory_bytes = as<std::size_t>(v); }},
    Key<Server>{"drain_timeout",
                duration(10 * kMillisecond, kHour, "6s", "read what has arrived and go"),
                [](Server& s, const Value& v) { s.drain_timeout = ms(v); }},
    Key<Server>{"flush_timeout", duration(10 * kMillisecond, kHour, "2s", "no wait"),
                [](Server& s, const Value& v) { s.flush_timeout = ms(v); }},
    Key<Server>{"drain_quiet", duration(10 * kMillisecond, kHour, "1s", "no silence needed"),
                [](Server& s, const Value& v) { s.drain_quiet = ms(v); }},
    Key<Server>{"at_deadline", choice(kAtDeadlines),
                [](Server& s, const Value& v) { s.at_deadline = as<AtDeadline>(v); }},
    Key<Server>{"max_connections",
                count(1, kMostConnections, "the descriptor limit less a reserve"),
                [](Server& s, const Value& v) { s.max_connections = as<std::size_t>(v); }},
    Key<Server>{"log_level", choice(kLogLevels),
                [](Server& s, const Value& v) { s.log_level = as<LogLevel>(v); }},
    Key<Server>{"log_format", choice(kLogFormats),
                [](Server& s, const Value& v) { s.log_format = as<LogFormat>(v); }},
};

const std::array kListenerKeys = {
    Key<Listener>{"name", name(), [](Listener& l, const Value& v) { l.name = v.text(); }},
    Key<Listener>{"listen", urls("a URL or a list of URLs, such as \"tcp://:5514\""), store_listen},
    Key<Listener>{
        "protocol", choice(protocol_names()),
        [](Listener& l, const Value& v) { l.protocol = protocol_names()[as<std::size_t>(v)]; }},
    Key<Listener>{"framing", choice(kFramings),
                  [](Listener& l, const Value& v) { l.frames.framing = as<Framing>(v); }},
    Key<Listener>{"delimiter", delimiter(),
                  [](Listener& l, const Value& v) { l.frames.delimiter = v.text(); }},
    Key<Listener>{"length.bytes", one_of(kLengthBytes),
                  [](Listener& l, const Value& v) { l.frames.length.bytes = as<std::uint8_t>(v); }},
    Key<Listener>{"length.endian", choice(kEndians),
                  [](Listener& l, const Value& v) {
                    l.frames.length.order = v.number == 0 ? std::endian::big : std::endian::little;
                  }},
    Key<Listener>{
        "length.offset", count(0, 64),
        [](Listener& l, const Value& v) { l.frames.length.offset = as<std::uint8_t>(v); }},
    Key<Listener>{
        "length.includes_header", flag(),
        [](Listener& l, const Value& v) { l.frames.length.includes_header = v.number != 0; }},
    Key<Listener>{"frame_bytes", bytes(1, 16 * kMiB, "1KiB"),
                  [](Listener& l, const Value& v) { l.frames.frame_bytes = as<std::size_t>(v); }},
    Key<Listener>{"split", choice(kSplits),
                  [](Listener& l, const Value& v) { l.frames.split = as<Split>(v); }},
    Key<Listener>{
        "max_frame_bytes", bytes(1, 16 * kMiB, "64KiB"),
        [](Listener& l, const Value& v) { l.frames.max_frame_bytes = as<std::size_t>(v); }},
    Key<Listener>{"oversize", choice(kOversizes),
                  [](Listener& l, const Value& v) { l.frames.oversize = as<Oversize>(v); }},
    Key<Listener>{"tail", choice(kTails),
                  [](Listener& l, const Value& v) { l.frames.tail = as<Tail>(v); }},
    Key<Listener>{"unparsed", choice(kUnparsed),
                  [](Listener& l, const Value& v) { l.frames.unparsed = as<Unparsed>(v); }},
    Key<Listener>{"content_encoding", choice(kContentEncodings),
                  [](Listener& l, const Value& v) { l.content_encoding = as<ContentEncoding>(v); }},
    Key<Listener>{
        "max_decompressed_bytes",
        bytes(kKiB, kTiB, "16MiB", "1MiB a datagram or packet, no limit a connection"),
        [](Listener& l, const Value& v) { l.max_decompressed_bytes = as<std::size_t>(v); }},
    Key<Listener>{"max_decompressed_ratio", count(1, 1'000'000, "no limit"),
                  [](Listener& l, const Value& v) { l.max_decompressed_ratio = as<unsigned>(v); }},
    Key<Listener>{"receive_buffer", size(4 * kKiB, kGiB, "4MiB", "the system's default"),
                  [](Listener& l, const Value& v) { l.receive_buffer_bytes = as<std::size_t>(v); }},
    Key<Listener>{"gro", flag(), [](Listener& l, const Value& v) { l.gro = v.number != 0; }},
    Key<Listener>{"backlog", count(1, 65535, "net.core.somaxconn"),
                  [](Listener& l, const Value& v) { l.backlog = as<int>(v); }},
    Key<Listener>{"max_connections", count(1, kMostConnections, "only the server's limit"),
                  [](Listener& l, const Value& v) { l.max_connections = as<std::size_t>(v); }},
    Key<Listener>{
        "max_connections_per_peer", count(1, kMostConnections, "no limit"),
        [](Listener& l, const Value& v) { l.max_connections_per_peer = as<std::size_t>(v); }},
    Key<Listener>{"idle_timeout", duration(100 * kMillisecond, 720 * kHour, "10m", "off"),
                  [](Listener& l, const Value& v) { l.idle_timeout = ms(v); }},
    Key<Listener>{"first_byte_timeout", duration(100 * kMillisecond, 720 * kHour, "30s", "off"),
                  [](Listener& l, const Value& v) { l.first_byte_timeout = ms(v); }},
    Key<Listener>{"keepalive", seconds(kSecond, 9 * kHour, "1m", "off"), store_keepalive},
    Key<Listener>{"mode", mode(),
                  [](Listener& l, const Value& v) { l.mode = as<std::uint32_t>(v); }},
    Key<Listener>{"owner", account("a user name or number"),
                  [](Listener& l, const Value& v) { l.owner = v.text(); }},
    Key<Listener>{"group", account("a group name or number"),
                  [](Listener& l, const Value& v) { l.group = v.text(); }},
    Key<Listener>{"multicast.groups", list("a list of group addresses, such as [\"239.1.2.3\"]"),
                  [](Listener& l, const Value& v) { l.multicast.groups = addresses(v); }},
    Key<Listener>{"multicast.interface", text("an interface name, such as \"eth0\""),
                  store_interface},
    Key<Listener>{"multicast.sources", list("a list of source addresses, such as [\"10.0.0.7\"]"),
                  [](Listener& l, const Value& v) { l.multicast.sources = addresses(v); }},
    Key<Listener>{"syslog.form", choice(kSyslogForms),
                  [](Listener& l,
                     const Value& v) { l.of_protocol.syslog.form = as<SyslogOptions::Form>(v); }},
    Key<Listener>{
        "syslog.year",
        count(1970, 2261, "the last one that is not over a week ahead of the time of receipt"),
        [](Listener& l, const Value& v) { l.of_protocol.syslog.year = as<int>(v); }},
    Key<Listener>{"syslog.zone", zone(),
                  [](Listener& l, const Value& v) {
                    auto& offset = l.of_protocol.syslog.zone_offset_s;
                    offset = as<std::int32_t>(v);
                    if (offset == kLocalZone) offset.reset();
                  }},
    Key<Listener>{
        "syslog.decompress", flag(),
        [](Listener& l, const Value& v) { l.of_protocol.syslog.decompress = v.number != 0; }},
    Key<Listener>{"syslog.max_decompressed_bytes", bytes(kKiB, 16 * kMiB, "1MiB"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.syslog.max_decompressed_bytes = as<std::size_t>(v);
                  }},
    Key<Listener>{
        "syslog.payload", choice(kSyslogPayloads),
        [](Listener& l,
           const Value& v) { l.of_protocol.syslog.payload = as<SyslogOptions::Payload>(v); }},
    Key<Listener>{
        "relp.max_window", count(1, 1'000'000),
        [](Listener& l, const Value& v) { l.of_protocol.relp.max_window = as<std::size_t>(v); }},
    Key<Listener>{"lumberjack.keepalive", duration(100 * kMillisecond, kMinute, "3s", "never"),
                  [](Listener& l, const Value& v) { l.of_protocol.lumberjack.keepalive = ms(v); }},
    Key<Listener>{"lumberjack.max_window", count(1, 1'000'000),
                  [](Listener& l,
                     const Value& v) { l.of_protocol.lumberjack.max_window = as<std::size_t>(v); }},
    Key<Listener>{"lumberjack.max_pairs", count(1, 100'000),
                  [](Listener& l,
                     const Value& v) { l.of_protocol.lumberjack.max_pairs = as<std::size_t>(v); }},
    Key<Listener>{"lumberjack.max_decompressed_bytes", bytes(kKiB, 256 * kMiB, "64MiB"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.lumberjack.max_decompressed_bytes = as<std::size_t>(v);
                  }},
    Key<Listener>{"lumberjack.max_decompressed_ratio", count(1, 1'000'000, "no limit"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.lumberjack.max_decompressed_ratio = as<unsigned>(v);
                  }},
    Key<Listener>{
        "lumberjack.max_depth", count(1, kMostDepth),
        [](Listener& l,
           const Value& v) { l.of_protocol.lumberjack.json.max_depth = as<std::size_t>(v); }},
    Key<Listener>{
        "lumberjack.max_fields", count(1, 1'000'000),
        [](Listener& l,
           const Value& v) { l.of_protocol.lumberjack.json.max_fields = as<std::size_t>(v); }},
    Key<Listener>{
        "forward.shared_key_file", text("a file, such as \"/etc/penstock/forward.key\""),
        [](Listener& l, const Value& v) { l.of_protocol.forward.shared_key_file = v.text(); }},
    Key<Listener>{"forward.users_file", text("a file, such as \"/etc/penstock/forward.users\""),
                  [](Listener& l, const Value& v) { l.of_protocol.forward.users_file = v.text(); }},
    Key<Listener>{
        "forward.server_name", text("a name, such as \"logs.example.com\""),
        [](Listener& l, const Value& v) { l.of_protocol.forward.server_name = v.text(); }},
    Key<Listener>{"forward.max_decompressed_bytes", bytes(kKiB, 256 * kMiB, "64MiB"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.forward.max_decompressed_bytes = as<std::size_t>(v);
                  }},
    Key<Listener>{"forward.max_decompressed_ratio", count(1, 1'000'000, "no limit"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.forward.max_decompressed_ratio = as<unsigned>(v);
                  }},
    Key<Listener>{
        "forward.max_depth", count(1, 128),
        [](Listener& l, const Value& v) { l.of_protocol.forward.max_depth = as<unsigned>(v); }},
    Key<Listener>{
        "json.known_names", flag(),
        [](Listener& l, const Value& v) { l.of_protocol.json.known_names = v.number != 0; }},
    Key<Listener>{"json.max_depth", count(1, kMostDepth),
                  [](Listener& l,
                     const Value& v) { l.of_protocol.json.limits.max_depth = as<std::size_t>(v); }},
    Key<Listener>{
        "json.max_fields", count(1, kMostFields),
        [](Listener& l,
           const Value& v) { l.of_protocol.json.limits.max_fields = as<std::size_t>(v); }},
    Key<Listener>{"gelf.max_message_bytes", bytes(kKiB, 16 * kMiB, "1MiB"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.gelf.max_message_bytes = as<std::size_t>(v);
                  }},
    Key<Listener>{"gelf.max_decompressed_ratio", count(1, 1'000'000, "no limit"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.gelf.max_decompressed_ratio = as<unsigned>(v);
                  }},
    Key<Listener>{"gelf.max_chunk_sets", count(1, 1'000'000),
                  [](Listener& l,
                     const Value& v) { l.of_protocol.gelf.max_chunk_sets = as<std::size_t>(v); }},
    Key<Listener>{"gelf.max_chunk_bytes", bytes(64 * kKiB, kGiB, "16MiB"),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.gelf.max_chunk_bytes = as<std::size_t>(v);
                  }},
    Key<Listener>{"collectd.types_db", text("a file, such as \"/usr/share/collectd/types.db\""),
                  [](Listener& l, const Value& v) { l.of_protocol.collectd.types_db = v.text(); }},
    Key<Listener>{"collectd.auth_file", text("a file, such as \"/etc/penstock/collectd.users\""),
                  [](Listener& l, const Value& v) { l.of_protocol.collectd.auth_file = v.text(); }},
    Key<Listener>{"collectd.security", choice(kCollectdSecurities),
                  [](Listener& l, const Value& v) {
                    l.of_protocol.collectd.security = as<CollectdOptions::Security>(v);
                  }},
    Key<Listener>{
        "influx.precision", choice(kInfluxPrecisions),
        [](Listener& l,
           const Value& v) { l.of_protocol.influx.precision = as<InfluxOptions::Precision>(v); }},
    Key<Listener>{"statsd.flush",
                  duration(100 * kMillisecond, kDay, "10s", "each sample is an event"),
                  [](Listener& l, const Value& v) { l.of_protocol.statsd.flush = ms(v); }},
    Key<Listener>{"statsd.percentiles",
                  percents("a list of numbers above 0 and below 100, such as [90, 99.9]"),
                  [](Listener& l, const Value& v) { l.of_protocol.statsd.percentiles = v.reals; }},
    Key<Listener>{
        "statsd.max_series", count(1, 10'000'000),
        [](Listener& l, const Value& v) { l.of_protocol.statsd.max_series = as<std::size_t>(v); }},
    Key<Listener>{
        "statsd.repeat_gauges", flag(),
        [](Listener& l, const Value& v) { l.of_protocol.statsd.repeat_gauges = v.number != 0; }},
    Key<Listener>{"statsd.keep_gauges", duration(kSecond, 30 * kDay, "1h", "for ever"),
                  [](Listener& l, const Value& v) { l.of_protocol.statsd.keep_gauges = ms(v); }},
    Key<Listener>{"sinks", list("a list of sink names, such as [\"archive\"]"),
                  [](Listener& l, const Value& v) { l.sinks = v.texts(); }},
    Key<Listener>{"best_effort_sinks", list("a list of sink names, such as [\"debug\"]"),
                  [](Listener& l, const Value& v) { l.best_effort_sinks = v.texts(); }},
};

const std::array kQuarantineKeys = {
    Key<Quarantine>{"path", text("a directory, such as \"data/quarantine\""),
                    [](Quarantine& q, const Value& v) { q.path = v.text(); }},
    Key<Quarantine>{"max_bytes", bytes(64 * kKiB, kTiB, "64MiB", "nothing is kept"),
                    [](Quarantine& q, const Value& v) { q.max_bytes = as<std::size_t>(v); }},
};

const std::array kAdminKeys = {
    Key<Admin>{"listen", text("a tcp or unix URL, such as \"unix://./run/admin.sock\", or \"off\""),
               [](Admin& a, const Value& v) {
                 a.listen = v.text();
                 a.listen_place = v.items.front().place;
               }},
    Key<Admin>{"token_file", text("a file, such as \"/etc/penstock/admin.token\""),
               [](Admin& a, const Value& v) {
                 a.token_file = v.text();
                 a.token_file_place = v.items.front().place;
               }},
};

template <class Keys>
void add_rows(std::string_view table, const Keys& keys, std::vector<KnownKey>& rows) {
  for (const auto& key : keys) rows.push_back({table, key.name, key.rule});
}

}  // namespace

std::span<const Key<Server>> server_keys() { return kServerKeys; }
std::span<const Key<Listener>> listener_keys() { return kListenerKeys; }
std::span<const Key<Quarantine>> quarantine_keys() { return kQuarantineKeys; }
std::span<const Key<Admin>> admin_keys() { return kAdminKeys; }

std::string_view to_string(Framing framing) noexcept {
  return kFramings[static_cast<std::size_t>(framing)];
}

std::vector<KnownKey> known_keys() {
  std::vector<KnownKey> rows;
  add_rows("server", kServerKeys, rows);
  add_rows("listener", kListenerKeys, rows);
  add_rows("sink", sink_keys(), rows);
  add_rows("quarantine", kQuarantineKeys, rows);
  add_rows("admin", kAdminKeys, rows);
  return rows;
}

std::vector<std::string> key_names(std::string_view table) {
  std::vector<std::string> names;
  for (const auto& row : known_keys()) {
    if (row.table == table) names.emplace_back(row.name);
  }
  return names;
}

}  // namespace penstock::config
