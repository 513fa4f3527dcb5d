#include <algorithm>
#include <array>
#include <span>

#include "protocols/table.h"
#include "server/config/checks.h"
#include "server/config/text.h"
#include "server/config/url_text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 8> kFramingKeys = {"framing",       "delimiter",
                                                          "length.bytes",  "length.endian",
                                                          "length.offset", "length.includes_header",
                                                          "frame_bytes",   "split"};

std::string setting(std::string_view protocol) { return "protocol = " + in_quotes(protocol); }

void warn_of_given(std::span<const std::string_view> keys, const std::string& why,
                   const TableSource& source, Problems& problems) {
  for (const std::string_view key : keys) source.warn_if_given(problems, key, why);
}

/// Keys of `[listener.NAME]` with another protocol.
void check_own_keys(const ProtocolInfo& protocol, const TableSource& source, Problems& problems) {
  for (const auto& [key, given] : source.keys) {
    const std::string_view table = std::string_view(key).substr(0, key.find('.'));
    if (table.size() == key.size() || table == protocol.name || table == protocol.carries) continue;
    if (find_protocol(table) != nullptr)
      source.error(problems, given.key, key, "only " + setting(table) + " has it");
  }
}

/// What the protocol prefers where the file says nothing.
void fill_in(const ProtocolInfo& protocol, const TableSource& source, Listener& listener) {
  if (!source.has("framing")) listener.frames.framing = protocol.framing;
  if (!source.has("split")) listener.frames.split = protocol.split;
  if (!source.has("max_frame_bytes")) listener.frames.max_frame_bytes = protocol.max_frame_bytes;
}

void check_framing_keys(const ProtocolInfo& protocol, const TableSource& source,
                        Problems& problems) {
  if (!protocol.own_framing) return;
  for (const std::string_view key : kFramingKeys) {
    const auto given = source.keys.find(key);
    if (given != source.keys.end())
      source.error(problems, given->second.key, key,
                   "not with " + setting(protocol.name) + ", which says where its frames end");
  }
}

void check_unparsed(const ProtocolInfo& protocol, const TableSource& source, Problems& problems) {
  const auto given = source.keys.find("unparsed");
  if (given != source.keys.end() && protocol.makes == Makes::kNothing)
    source.warn(problems, given->second.key, "unparsed",
                "no effect: " + setting(protocol.name) + " takes every frame as it is");
}

void check_refusals(const ProtocolInfo& protocol, const TableSource& source, Problems& problems) {
  constexpr std::array<std::string_view, 3> kOfWhatIsDelivered = {"oversize", "tail", "unparsed"};
  if (protocol.refuses == Refuses::kNothing) return;
  const bool all = protocol.refuses == Refuses::kAll;
  warn_of_given(std::span(kOfWhatIsDelivered).first(all ? 3 : 2),
                "no effect: " + setting(protocol.name) + " refuses what is " +
                    (all ? "too long, unfinished or not in form" : "too long or unfinished") +
                    ", and its sender keeps it",
                source, problems);
}

void check_transports(const ProtocolInfo& protocol, const TableSource& source,
                      const Listener& listener, Problems& problems) {
  for (std::size_t i = 0; i < listener.listen.size(); ++i) {
    const Item& item = source.item("listen", i);
    const std::string_view scheme = std::string_view(item.text).substr(0, item.text.find("://"));
    const bool stream = scheme.starts_with("tcp") || scheme == "unix";
    const bool datagram =
        scheme.starts_with("udp") || scheme == "unixgram" || scheme == "unixpacket";
    if (stream && !protocol.transports.streams)
      source.error(problems, item.place, "listen",
                   item.shown + ": " + setting(protocol.name) +
                       " is spoken over datagrams, expected udp, unixgram or unixpacket");
    if (datagram && !protocol.transports.datagrams)
      source.error(problems, item.place, "listen",
                   item.shown + ": " + setting(protocol.name) +
                       " is spoken over streams, expected tcp or unix");
  }
}

/// Users stand beside a shared key, never alone; names go into messages that hold no longer ones.
void check_forward(const Listener& listener, const TableSource& source, Problems& problems) {
  constexpr std::size_t kMaxNameBytes = 255;
  const ForwardOptions& forward = listener.of_protocol.forward;
  if (!forward.users_file.empty() && forward.shared_key_file.empty())
    source.error(problems, source.place_of("forward.users_file"), "forward.users_file",
                 "only together with shared_key_file");
  if (forward.server_name.size() > kMaxNameBytes)
    source.error(problems, source.place_of("forward.server_name"), "forward.server_name",
                 "expected at most 255 bytes");
}

/// What is longer than all that may wait could never be put together.
void check_gelf(const Listener& listener, const TableSource& source, Problems& problems) {
  const GelfOptions& gelf = listener.of_protocol.gelf;
  if (listener.protocol != "gelf" || gelf.max_message_bytes <= gelf.max_chunk_bytes ||
      !source.sound("gelf.max_message_bytes") || !source.sound("gelf.max_chunk_bytes"))
    return;
  const std::string_view key =
      source.has("gelf.max_message_bytes") ? "gelf.max_message_bytes" : "gelf.max_chunk_bytes";
  source.error(problems, source.place_of(key), key,
               "a message of gelf.max_message_bytes, " + std::to_string(gelf.max_message_bytes) +
                   ", could never be put together in gelf.max_chunk_bytes, " +
                   std::to_string(gelf.max_chunk_bytes));
}

/// How samples are aggregated means nothing where they are not.
void check_statsd(const Listener& listener, const TableSource& source, Problems& problems) {
  constexpr std::array<std::string_view, 4> kOfFlushes = {
      "statsd.percentiles", "statsd.max_series", "statsd.repeat_gauges", "statsd.keep_gauges"};
  if (listener.protocol != "statsd" || listener.of_protocol.statsd.flush.count() != 0 ||
      !source.sound("statsd.flush"))
    return;
  warn_of_given(kOfFlushes, "no effect without statsd.flush", source, problems);
}

/// An acknowledgement says what the sink's `sync`, or that of its queue on disk, means by delivered.
void check_acks(const Draft& draft, const ProtocolInfo& protocol, const Listener& listener,
                const TableSource& source, Problems& problems) {
  if (!protocol.acks) return;
  if (listener.sinks.empty() && !listener.best_effort_sinks.empty())
    source.warn(problems, source.place_of("best_effort_sinks"), "best_effort_sinks",
                setting(protocol.name) +
                    " acknowledges what the sinks in \"sinks\" have, and there are none: what "
                    "these drop is acknowledged too, and lost");
  for (const Sink& sink : draft.config.sinks) {
    const bool required =
        std::find(listener.sinks.begin(), listener.sinks.end(), sink.name) != listener.sinks.end();
    if (!required) continue;
    if (sink.queue.type == QueueType::kDisk) {
      if (sink.queue.sync != QueueSync::kBatch)
        source.warn(problems, source.place_of("protocol"), "protocol",
                    setting(protocol.name) + " acknowledges what the queue of sink " +
                        in_quotes(sink.name) +
                        " has written, and with its queue.sync that does not outlive a power cut; "
                        "queue.sync = \"batch\" does");
      continue;
    }
    const bool syncs = sink.type == SinkType::kFile || sink.type == SinkType::kSqlite;
    if (syncs && sink.sync != Sync::kAlways)
      source.warn(problems, source.place_of("protocol"), "protocol",
                  setting(protocol.name) + " acknowledges what sink " + in_quotes(sink.name) +
                      " has written, and with its sync that does not outlive a power cut; "
                      "sync = \"always\" does");
  }
}

}  // namespace

void check_protocol(Draft& draft) {
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    Listener& listener = draft.config.listeners[i];
    const TableSource& source = draft.listeners[i];
    const ProtocolInfo* protocol = find_protocol(listener.protocol);
    if (protocol == nullptr || !source.sound("protocol")) continue;
    fill_in(*protocol, source, listener);
    check_own_keys(*protocol, source, draft.problems);
    check_framing_keys(*protocol, source, draft.problems);
    check_unparsed(*protocol, source, draft.problems);
    check_refusals(*protocol, source, draft.problems);
    if (source.sound("listen")) check_transports(*protocol, source, listener, draft.problems);
    check_forward(listener, source, draft.problems);
    check_gelf(listener, source, draft.problems);
    check_statsd(listener, source, draft.problems);
    check_acks(draft, *protocol, listener, source, draft.problems);
  }
}

}  // namespace penstock::config
