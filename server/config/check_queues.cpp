#include <array>
#include <filesystem>
#include <map>
#include <string>

#include "server/config/checks.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 3> kDiskKeys = {"queue.path", "queue.sync",
                                                       "queue.sync_interval"};
constexpr std::size_t kLeastDiskBytes = std::size_t{4} << 20;

/// What has no meaning for it is forgotten.
void check_memory_queue(Draft& draft, Sink& sink, const TableSource& source) {
  for (const std::string_view key : kDiskKeys)
    source.error_if_given(draft.problems, key,
                          "only a queue of type \"disk\" has it, this one is in memory");
  if (sink.queue.when_full == WhenFull::kDropOldest && source.sound("queue.when_full"))
    source.error(draft.problems, source.place_of("queue.when_full"), "queue.when_full",
                 "\"drop_oldest\" is only for queue.type = \"disk\", expected \"block\" or "
                 "\"drop_newest\"");
  sink.queue.path.clear();
}

void check_disk_queue(Draft& draft, Sink& sink, const TableSource& source) {
  if (!source.has("queue.path"))
    source.error(draft.problems, source.place_of("queue.type"), "queue.path",
                 "missing, a queue on disk needs a directory of its own, such as "
                 "\"data/queue/archive\"");
  if (!source.has("queue.max_bytes")) sink.queue.max_bytes = Queue::kDiskBytes;
  if (sink.queue.max_bytes < kLeastDiskBytes && source.sound("queue.max_bytes"))
    source.error(draft.problems, source.place_of("queue.max_bytes"), "queue.max_bytes",
                 "expected at least " + size_text(kLeastDiskBytes) + " for a queue on disk, got " +
                     size_text(sink.queue.max_bytes));
  if (sink.queue.sync != QueueSync::kInterval && source.sound("queue.sync"))
    source.warn_if_given(draft.problems, "queue.sync_interval",
                         "no effect: queue.sync is not \"interval\"");
}

std::string directory_of(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  std::string normal = (error ? std::filesystem::path(path) : absolute).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal;
}

/// Each queue has a directory of its own, and the quarantine another one.
void check_directories(Draft& draft) {
  std::map<std::string, std::string> taken;
  taken[directory_of(draft.config.quarantine.path)] = "the quarantine";
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    const TableSource& source = draft.sinks[i];
    const Sink& sink = draft.config.sinks[i];
    if (sink.queue.type != QueueType::kDisk || sink.queue.path.empty()) continue;
    const auto [found, added] = taken.emplace(directory_of(sink.queue.path), source.title);
    if (!added)
      source.error(
          draft.problems, source.place_of("queue.path"), "queue.path",
          "is the directory of " + found->second + " as well, expected one that nothing else uses");
  }
}

}  // namespace

void check_queues(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    if (!draft.sinks[i].sound("queue.type")) continue;
    if (draft.config.sinks[i].queue.type == QueueType::kDisk)
      check_disk_queue(draft, draft.config.sinks[i], draft.sinks[i]);
    else
      check_memory_queue(draft, draft.config.sinks[i], draft.sinks[i]);
  }
  check_directories(draft);
}

}  // namespace penstock::config
