#include <array>

#include "server/config/key_values.h"
#include "server/config/keys.h"
#include "server/config/rules.h"

// The rows of [[sink]]; the other tables: keys.cpp.
namespace penstock::config {
namespace {

// The words of each enumeration, in the order of its enumerators.
constexpr std::array<std::string_view, 8> kSinkTypes = {"file", "stdout", "blackhole", "sqlite",
                                                        "http", "relay",  "kafka",     "nats"};
constexpr std::array<std::string_view, 6> kEncodings = {"raw",    "json",     "msgpack",
                                                        "influx", "graphite", "syslog"};
constexpr std::array<std::string_view, 3> kNewlines = {"escape", "keep", "replace"};
constexpr std::array<std::string_view, 3> kSyncs = {"never", "interval", "always"};
constexpr std::array<std::string_view, 2> kQueueTypes = {"memory", "disk"};
constexpr std::array<std::string_view, 3> kQueueSyncs = {"batch", "interval", "never"};
constexpr std::array<std::string_view, 3> kWhenFulls = {"block", "drop_newest", "drop_oldest"};
constexpr std::array<std::string_view, 2> kTimeZones = {"utc", "local"};
constexpr std::array<std::string_view, 2> kNatsStorages = {"file", "memory"};
constexpr std::array<std::string_view, 3> kBalances = {"failover", "round_robin", "hash"};
constexpr std::array<std::string_view, 2> kRelayProtocols = {"raw", "forward"};
constexpr std::array<std::string_view, 2> kForwardCompressions = {"none", "gzip"};
constexpr std::array<std::string_view, 11> kSendFramings = {
    "newline",         "crlf",   "nul",   "octet_counted", "syslog_auto", "delimiter",
    "length_prefixed", "varint", "fixed", "json",          "none"};
constexpr std::array<std::string_view, 2> kCompress = {"none", "zstd"};
constexpr std::array<std::string_view, 6> kHttpPresets = {"none", "clickhouse",    "influx",
                                                          "loki", "elasticsearch", "splunk"};
constexpr std::array<std::string_view, 3> kHttpCompressions = {"none", "gzip", "zstd"};

constexpr std::int64_t kMostKept = 1'000'000;
constexpr std::int64_t kMostRows = 1'000'000'000'000;

void append_options(std::vector<Option>& options, const Value& value) {
  for (const auto& item : value.items)
    options.push_back({item.name, item.text, item.name_place, item.place});
}

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
    Key<Sink>{"rotate.size", size(64 * kKiB, kTiB, "100MiB", "off"),
              [](Sink& s, const Value& v) { s.rotate.size_bytes = as<std::size_t>(v); }},
    Key<Sink>{"rotate.every", seconds(kMinute, 365 * kDay, "1d", "off"),
              [](Sink& s, const Value& v) {
                s.rotate.every = std::chrono::duration_cast<std::chrono::seconds>(ms(v));
              }},
    Key<Sink>{"rotate.keep", count(1, kMostKept, "all"),
              [](Sink& s, const Value& v) { s.rotate.keep = as<std::size_t>(v); }},
    Key<Sink>{"rotate.compress", choice(kCompress),
              [](Sink& s, const Value& v) { s.rotate.compress = as<Compress>(v); }},
    Key<Sink>{"table", text("a table's name, such as \"{listener}\""),
              [](Sink& s, const Value& v) { s.sqlite.table = v.text(); }},
    Key<Sink>{"retention", seconds(kMinute, 36500 * kDay, "30d", "for ever"),
              [](Sink& s, const Value& v) {
                s.sqlite.retention = std::chrono::duration_cast<std::chrono::seconds>(ms(v));
              }},
    Key<Sink>{"max_rows", count(1, kMostRows, "no limit"),
              [](Sink& s, const Value& v) { s.sqlite.max_rows = as<std::uint64_t>(v); }},
    Key<Sink>{"max_size", size(kMiB, 16 * kTiB, "10GiB", "no limit"),
              [](Sink& s, const Value& v) { s.sqlite.max_size_bytes = as<std::size_t>(v); }},
    Key<Sink>{"endpoint", text("a URL, such as \"http://127.0.0.1:8123\""),
              [](Sink& s, const Value& v) { s.http.endpoint = v.text(); }},
    Key<Sink>{"preset", choice(kHttpPresets),
              [](Sink& s, const Value& v) { s.http.preset = as<HttpPreset>(v); }},
    Key<Sink>{"http.target", text("a table, database or index, such as \"logs\""),
              [](Sink& s, const Value& v) { s.http.target = v.text(); }},
    Key<Sink>{"http.headers",
              options("a table of texts, such as { Authorization = \"Bearer ${file:token}\" }"),
              [](Sink& s, const Value& v) { append_options(s.http.headers, v); }},
    Key<Sink>{"http.compression", choice(kHttpCompressions),
              [](Sink& s, const Value& v) { s.http.compression = as<HttpCompression>(v); }},
    Key<Sink>{"http.batch_bytes", bytes(kKiB, 64 * kMiB, "1MiB"),
              [](Sink& s, const Value& v) { s.http.batch_bytes = as<std::size_t>(v); }},
    Key<Sink>{"http.in_flight", count(1, 64),
              [](Sink& s, const Value& v) { s.http.in_flight = as<unsigned>(v); }},
    Key<Sink>{"http.timeout", duration(100 * kMillisecond, kHour, "30s"),
              [](Sink& s, const Value& v) { s.http.timeout = ms(v); }},
    Key<Sink>{"http.ca_file", text("a file, such as \"/etc/ssl/own-ca.pem\""),
              [](Sink& s, const Value& v) { s.http.ca_file = v.text(); }},
    Key<Sink>{"http.client_cert", text("a file, such as \"/etc/penstock/client.pem\""),
              [](Sink& s, const Value& v) { s.http.client_cert = v.text(); }},
    Key<Sink>{"http.client_key", text("a file, such as \"/etc/penstock/client.key\""),
              [](Sink& s, const Value& v) { s.http.client_key = v.text(); }},
    Key<Sink>{"to", urls("a URL or a list of URLs, such as \"tcp://collector:5514\""),
              [](Sink& s, const Value& v) {
                for (const auto& item : v.items) s.relay.to.push_back({item.text, item.place});
              }},
    Key<Sink>{"balance", choice(kBalances),
              [](Sink& s, const Value& v) { s.relay.balance = as<Balance>(v); }},
    Key<Sink>{"protocol", choice(kRelayProtocols),
              [](Sink& s, const Value& v) { s.relay.protocol = as<RelayProtocol>(v); }},
    Key<Sink>{"forward.tag", text("a template, such as \"{listener}\" or \"{field:app}\""),
              [](Sink& s, const Value& v) { s.relay.forward.tag = v.text(); }},
    Key<Sink>{"forward.compression", choice(kForwardCompressions),
              [](Sink& s, const Value& v) { s.relay.forward.gzip = v.number != 0; }},
    Key<Sink>{"forward.ack_timeout", duration(kSecond, kDay, "190s"),
              [](Sink& s, const Value& v) { s.relay.forward.ack_timeout = ms(v); }},
    Key<Sink>{"forward.shared_key_file", text("a file, such as \"/etc/penstock/forward.key\""),
              [](Sink& s, const Value& v) { s.relay.forward.shared_key_file = v.text(); }},
    Key<Sink>{"forward.user", text("a name, such as \"agent\""),
              [](Sink& s, const Value& v) { s.relay.forward.user = v.text(); }},
    Key<Sink>{"forward.password_file", text("a file, such as \"/etc/penstock/forward.password\""),
              [](Sink& s, const Value& v) { s.relay.forward.password_file = v.text(); }},
    Key<Sink>{"framing", choice(kSendFramings),
              [](Sink& s, const Value& v) { s.relay.form.framing = as<SendFraming>(v); }},
    Key<Sink>{"delimiter", delimiter(),
              [](Sink& s, const Value& v) { s.relay.form.delimiter = v.text(); }},
    Key<Sink>{"length.bytes", one_of(kLengthBytes),
              [](Sink& s, const Value& v) { s.relay.form.length.bytes = as<std::uint8_t>(v); }},
    Key<Sink>{"length.endian", choice(kEndians),
              [](Sink& s, const Value& v) {
                s.relay.form.length.order = v.number == 0 ? std::endian::big : std::endian::little;
              }},
    Key<Sink>{"length.offset", count(0, 64),
              [](Sink& s, const Value& v) { s.relay.form.length.offset = as<std::uint8_t>(v); }},
    Key<Sink>{"length.includes_header", flag(),
              [](Sink& s, const Value& v) { s.relay.form.length.includes_header = v.number != 0; }},
    Key<Sink>{"frame_bytes", bytes(1, 16 * kMiB, "1KiB"),
              [](Sink& s, const Value& v) { s.relay.form.frame_bytes = as<std::size_t>(v); }},
    Key<Sink>{"queue.type", choice(kQueueTypes),
              [](Sink& s, const Value& v) { s.queue.type = as<QueueType>(v); }},
    Key<Sink>{"queue.path", text("a directory, such as \"data/queue/archive\""),
              [](Sink& s, const Value& v) { s.queue.path = v.text(); }},
    Key<Sink>{"queue.sync", choice(kQueueSyncs),
              [](Sink& s, const Value& v) { s.queue.sync = as<QueueSync>(v); }},
    Key<Sink>{"queue.sync_interval", duration(100 * kMillisecond, kHour, "1s"),
              [](Sink& s, const Value& v) { s.queue.sync_interval = ms(v); }},
    Key<Sink>{"queue.max_bytes", bytes(64 * kKiB, kTiB, "8MiB"),
              [](Sink& s, const Value& v) { s.queue.max_bytes = as<std::size_t>(v); }},
    Key<Sink>{"queue.when_full", choice(kWhenFulls),
              [](Sink& s, const Value& v) { s.queue.when_full = as<WhenFull>(v); }},
    Key<Sink>{"brokers", urls("a broker or a list of brokers, such as \"kafka1:9092\""),
              [](Sink& s, const Value& v) { s.kafka.brokers = v.texts(); }},
    Key<Sink>{"topic", text("a topic, in which {listener} and others are replaced"),
              [](Sink& s, const Value& v) { s.kafka.topic = v.text(); }},
    Key<Sink>{"key", text("a template, such as \"{peer}\" or \"{field:host}\""),
              [](Sink& s, const Value& v) { s.kafka.key = v.text(); }},
    Key<Sink>{"headers", flag(), [](Sink& s, const Value& v) { s.headers = v.number != 0; }},
    Key<Sink>{
        "kafka",
        options("a table of librdkafka's settings, such as { \"compression.type\" = \"zstd\" }"),
        [](Sink& s, const Value& v) { append_options(s.kafka.options, v); }},
    Key<Sink>{"servers",
              urls("a URL or a list of URLs, such as \"nats://nats1:4222\""),
              [](Sink& s, const Value& v) { s.nats.servers = v.texts(); }},
    Key<Sink>{"subject", text("a subject, in which {listener} and others are replaced"),
              [](Sink& s, const Value& v) { s.nats.subject = v.text(); }},
    Key<Sink>{"nats.stream", text("a stream's name, such as \"LOGS\""),
              [](Sink& s, const Value& v) { s.nats.stream = v.text(); }},
    Key<Sink>{"nats.create_stream", flag(),
              [](Sink& s, const Value& v) { s.nats.create_stream = v.number != 0; }},
    Key<Sink>{"nats.replicas", count(1, 5),
              [](Sink& s, const Value& v) { s.nats.replicas = as<unsigned>(v); }},
    Key<Sink>{"nats.storage", choice(kNatsStorages),
              [](Sink& s, const Value& v) { s.nats.storage = as<NatsStorage>(v); }},
    Key<Sink>{"nats.user", text("a user's name"),
              [](Sink& s, const Value& v) { s.nats.user = v.text(); }},
    Key<Sink>{"nats.password", text("a password, such as \"${file:/etc/penstock/nats.password}\""),
              [](Sink& s, const Value& v) { s.nats.password = v.text(); }},
    Key<Sink>{"nats.token", text("a token, such as \"${file:/etc/penstock/nats.token}\""),
              [](Sink& s, const Value& v) { s.nats.token = v.text(); }},
    Key<Sink>{"nats.credentials_file", text("a file, such as \"/etc/penstock/nats.creds\""),
              [](Sink& s, const Value& v) { s.nats.credentials_file = v.text(); }},
    Key<Sink>{"nats.nkey", text("a user's public key, which begins with U"),
              [](Sink& s, const Value& v) { s.nats.nkey = v.text(); }},
    Key<Sink>{"nats.nkey_seed_file", text("a file, such as \"/etc/penstock/nats.nk\""),
              [](Sink& s, const Value& v) { s.nats.nkey_seed_file = v.text(); }},
    Key<Sink>{"nats.ca_file", text("a file, such as \"/etc/ssl/own-ca.pem\""),
              [](Sink& s, const Value& v) { s.nats.ca_file = v.text(); }},
    Key<Sink>{"nats.client_cert", text("a file, such as \"/etc/penstock/client.pem\""),
              [](Sink& s, const Value& v) { s.nats.client_cert = v.text(); }},
    Key<Sink>{"nats.client_key", text("a file, such as \"/etc/penstock/client.key\""),
              [](Sink& s, const Value& v) { s.nats.client_key = v.text(); }},
    Key<Sink>{"nats.ack_timeout", duration(100 * kMillisecond, kHour, "5s"),
              [](Sink& s, const Value& v) { s.nats.ack_timeout = ms(v); }},
    Key<Sink>{"nats.max_in_flight", count(1, 100'000),
              [](Sink& s, const Value& v) { s.nats.max_in_flight = as<std::size_t>(v); }},
};

}  // namespace

std::span<const Key<Sink>> sink_keys() { return kSinkKeys; }

std::string_view to_string(SinkType type) noexcept {
  return kSinkTypes[static_cast<std::size_t>(type)];
}

std::string_view to_string(SendFraming framing) noexcept {
  return kSendFramings[static_cast<std::size_t>(framing)];
}

std::string_view to_string(HttpPreset preset) noexcept {
  return kHttpPresets[static_cast<std::size_t>(preset)];
}

std::string_view to_string(Encoding encoding) noexcept {
  return kEncodings[static_cast<std::size_t>(encoding)];
}

}  // namespace penstock::config
