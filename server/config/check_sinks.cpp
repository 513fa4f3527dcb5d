#include <algorithm>
#include <array>

#include "server/config/checks.h"
#include "server/config/keys.h"
#include "server/config/path_pattern.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 4> kFileKeys = {"sync", "sync_interval", "timezone",
                                                       "max_open_files"};
constexpr std::array<std::string_view, 4> kRotateKeys = {"rotate.size", "rotate.every",
                                                         "rotate.keep", "rotate.compress"};
constexpr std::array<std::string_view, 2> kRotatedKeys = {"rotate.keep", "rotate.compress"};
constexpr std::array<std::string_view, 2> kWritingKeys = {"encoding", "newlines"};

void check_newlines(Draft& draft, const Sink& sink, const TableSource& source) {
  if (sink.encoding != Encoding::kRaw && source.sound("encoding"))
    source.warn_if_given(draft.problems, "newlines", "no effect: only for encoding \"raw\"");
}

/// What a queue on disk has acknowledged must not be lost by the file that it is handed on to.
void default_sync(Sink& sink, const TableSource& source) {
  if (source.has("sync") || sink.queue.type != QueueType::kDisk) return;
  if (sink.queue.sync == QueueSync::kBatch) sink.sync = Sync::kAlways;
  if (sink.queue.sync == QueueSync::kInterval) sink.sync = Sync::kInterval;
}

void check_file_sink(Draft& draft, const Sink& sink, const TableSource& source) {
  if (!source.has("path")) {
    source.error(draft.problems, source.place, "path",
                 "missing, a file sink needs one, such as \"data/{listener}/%Y-%m-%d.log\"");
  }
  if (sink.sync != Sync::kInterval && source.sound("sync")) {
    source.warn_if_given(draft.problems, "sync_interval", "no effect: sync is not \"interval\"");
  }
  if (!sink.rotate.enabled() && source.sound("rotate.size") && source.sound("rotate.every")) {
    for (const auto key : kRotatedKeys)
      source.warn_if_given(draft.problems, key,
                           "no effect: neither rotate.size nor rotate.every is given");
  }
}

/// Each record as a message of its own.
bool sends_messages(const Sink& sink) noexcept {
  return sink.type == SinkType::kKafka || sink.type == SinkType::kNats;
}

void check_other_sink(Draft& draft, const Sink& sink, const TableSource& source) {
  const std::string type = in_quotes(to_string(sink.type));
  if (const auto path = source.keys.find("path"); path != source.keys.end()) {
    source.error(draft.problems, path->second.key, "path",
                 "a sink of type " + type + " has none, only \"file\" has");
  }
  for (const auto key : kRotateKeys) {
    source.error_if_given(draft.problems, key,
                          "a sink of type " + type + " has no file to rotate, only \"file\" has");
  }
  for (const auto key : kFileKeys) {
    if (key == "timezone" && sends_messages(sink)) continue;  // for templates
    source.warn_if_given(draft.problems, key, "no effect: only for type \"file\", this is " + type);
  }
  if (sends_messages(sink))
    source.warn_if_given(draft.problems, "newlines", "no effect: a message may hold any bytes");
  if (sink.type != SinkType::kBlackhole) return;
  for (const auto key : kWritingKeys)
    source.warn_if_given(draft.problems, key,
                         "no effect: a sink of type " + type + " writes nothing");
}

void check_one_stdout(Draft& draft) {
  const TableSource* first = nullptr;
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    const auto& source = draft.sinks[i];
    if (draft.config.sinks[i].type != SinkType::kStdout || !source.sound("type")) continue;
    if (first != nullptr) {
      source.error(draft.problems, source.place_of("type"), "type",
                   "a second sink of type \"stdout\" beside " + first->title +
                       ", expected one: their records would mix");
    } else {
      first = &source;
    }
  }
}

}  // namespace

void refuse_keys_of(std::string_view type, std::span<const std::string_view> keys,
                    const TableSource& source, Problems& problems) {
  for (const std::string_view key : keys)
    source.error_if_given(problems, key, "only a sink of type " + in_quotes(type) + " has it");
}

void check_record_template(Draft& draft, const TableSource& source, std::string_view key) {
  if (!source.has(key) || !source.sound(key)) return;
  const Item& item = source.item(key, 0);
  if (const auto parts = parse_record_template(item.text); !parts) {
    source.error(
        draft.problems, item.place, key,
        item.expanded ? item.shown + " expands to no valid template" : parts.error().message);
  }
}

void check_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    Sink& sink = draft.config.sinks[i];
    if (!draft.sinks[i].sound("type")) continue;
    if (sink.type == SinkType::kFile || sink.type == SinkType::kSqlite)
      default_sync(sink, draft.sinks[i]);
    if (sink.type == SinkType::kFile) {
      check_file_sink(draft, sink, draft.sinks[i]);
    } else if (sink.type != SinkType::kSqlite && sink.type != SinkType::kHttp) {
      check_other_sink(draft, sink, draft.sinks[i]);
    }
    if (!sends_messages(sink))
      draft.sinks[i].warn_if_given(draft.problems, "headers",
                                   "no effect: only sinks of type \"kafka\" and \"nats\" have it");
    if (sink.type == SinkType::kFile || sink.type == SinkType::kStdout ||
        sink.type == SinkType::kRelay)
      check_newlines(draft, sink, draft.sinks[i]);
  }
  check_one_stdout(draft);
}

}  // namespace penstock::config
