#include "server/config/keys.h"

#include <array>

#include "server/config/rules.h"

namespace penstock::config {
namespace {

// The words of each enumeration, in the order of its enumerators in config.h.
constexpr std::array<std::string_view, 2> kAtDeadlines = {"freeze", "reset"};
constexpr std::array<std::string_view, 2> kLogFormats = {"text", "json"};
constexpr std::array<std::string_view, 4> kLogLevels = {"debug", "info", "warn", "error"};
constexpr std::array<std::string_view, 1> kProtocols = {"raw"};
constexpr std::array<std::string_view, 4> kFramings = {"newline", "nul", "octet_counted",
                                                       "syslog_auto"};
constexpr std::array<std::string_view, 2> kSplits = {"none", "newline"};
constexpr std::array<std::string_view, 3> kOversizes = {"truncate", "drop", "close"};
constexpr std::array<std::string_view, 4> kTails = {"auto", "deliver", "quarantine", "drop"};
constexpr std::array<std::string_view, 3> kSinkTypes = {"file", "stdout", "blackhole"};
constexpr std::array<std::string_view, 1> kEncodings = {"raw"};
constexpr std::array<std::string_view, 3> kNewlines = {"escape", "keep", "replace"};
constexpr std::array<std::string_view, 3> kSyncs = {"never", "interval", "always"};
constexpr std::array<std::string_view, 2> kWhenFulls = {"block", "drop_newest"};
constexpr std::array<std::string_view, 2> kTimeZones = {"utc", "local"};

constexpr std::int64_t kMostConnections = 10'000'000;

template <class T>
T as(const Value& value) {
  return static_cast<T>(value.number);
}
std::chrono::milliseconds ms(const Value& value) { return std::chrono::milliseconds(value.number); }

void store_listen(Listener& listener, const Value& value) {
  for (const auto& item : value.items) listener.listen.push_back({item.text, item.place});
}

void store_keepalive(Listener& listener, const Value& value) {
  listener.keepalive.reset();
  if (value.number != 0) listener.keepalive = std::chrono::seconds(value.number / kSecond);
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
    Key<Listener>{"protocol", choice(kProtocols),
                  [](Listener& l, const Value& v) { l.protocol = kProtocols[as<std::size_t>(v)]; }},
    Key<Listener>{"framing", choice(kFramings),
                  [](Listener& l, const Value& v) { l.framing = as<Framing>(v); }},
    Key<Listener>{"split", choice(kSplits),
                  [](Listener& l, const Value& v) { l.split = as<Split>(v); }},
    Key<Listener>{"max_frame_bytes", bytes(1, 16 * kMiB, "64KiB"),
                  [](Listener& l, const Value& v) { l.max_frame_bytes = as<std::size_t>(v); }},
    Key<Listener>{"oversize", choice(kOversizes),
                  [](Listener& l, const Value& v) { l.oversize = as<Oversize>(v); }},
    Key<Listener>{"tail", choice(kTails),
                  [](Listener& l, const Value& v) { l.tail = as<Tail>(v); }},
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
    Key<Listener>{"sinks", list("a list of sink names, such as [\"archive\"]"),
                  [](Listener& l, const Value& v) { l.sinks = v.texts(); }},
    Key<Listener>{"best_effort_sinks", list("a list of sink names, such as [\"debug\"]"),
                  [](Listener& l, const Value& v) { l.best_effort_sinks = v.texts(); }},
};

const std::array kSinkKeys = {
    Key<Sink>{"name", name(), [](Sink& s, const Value& v) { s.name = v.text(); }},
    Key<Sink>{"type", choice(kSinkTypes),
              [](Sink& s, const Value& v) { s.type = as<SinkType>(v); }},
    Key<Sink>{"path", text("a path template, such as \"data/{listener}/%Y-%m-%d.log\""),
              [](Sink& s, const Value& v) { s.path = v.text(); }},
    Key<Sink>{"encoding", choice(kEncodings),
              [](Sink& s, const Value& v) { s.encoding = as<Encoding>(v); }},
    Key<Sink>{"newlines", choice(kNewlines),
              [](Sink& s, const Value& v) { s.newlines = as<Newlines>(v); }},
    Key<Sink>{"sync", choice(kSyncs), [](Sink& s, const Value& v) { s.sync = as<Sync>(v); }},
    Key<Sink>{"sync_interval", duration(10 * kMillisecond, kHour, "1s"),
              [](Sink& s, const Value& v) { s.sync_interval = ms(v); }},
    Key<Sink>{"timezone", choice(kTimeZones),
              [](Sink& s, const Value& v) { s.timezone = as<TimeZone>(v); }},
    Key<Sink>{"max_open_files", count(1, 65536),
              [](Sink& s, const Value& v) { s.max_open_files = as<std::size_t>(v); }},
    Key<Sink>{"queue.max_bytes", bytes(64 * kKiB, kTiB, "8MiB"),
              [](Sink& s, const Value& v) { s.queue.max_bytes = as<std::size_t>(v); }},
    Key<Sink>{"queue.when_full", choice(kWhenFulls),
              [](Sink& s, const Value& v) { s.queue.when_full = as<WhenFull>(v); }},
};

const std::array kQuarantineKeys = {
    Key<Quarantine>{"path", text("a directory, such as \"data/quarantine\""),
                    [](Quarantine& q, const Value& v) { q.path = v.text(); }},
    Key<Quarantine>{"max_bytes", bytes(64 * kKiB, kTiB, "64MiB", "nothing is kept"),
                    [](Quarantine& q, const Value& v) { q.max_bytes = as<std::size_t>(v); }},
};

template <class Keys>
void add_rows(std::string_view table, const Keys& keys, std::vector<KnownKey>& rows) {
  for (const auto& key : keys) rows.push_back({table, key.name, key.rule});
}

}  // namespace

std::span<const Key<Server>> server_keys() { return kServerKeys; }
std::span<const Key<Listener>> listener_keys() { return kListenerKeys; }
std::span<const Key<Sink>> sink_keys() { return kSinkKeys; }
std::span<const Key<Quarantine>> quarantine_keys() { return kQuarantineKeys; }

std::vector<KnownKey> known_keys() {
  std::vector<KnownKey> rows;
  add_rows("server", kServerKeys, rows);
  add_rows("listener", kListenerKeys, rows);
  add_rows("sink", kSinkKeys, rows);
  add_rows("quarantine", kQuarantineKeys, rows);
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
