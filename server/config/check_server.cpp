#include <algorithm>

#include "server/config/checks.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kEngineStopTimeout{10'000};  // docker stop, systemd's is longer
constexpr std::uint64_t kQueuesPercent =
    70;  // the rest is for blocks being filled and unfinished frames
constexpr std::uint64_t kMiBBytes = 1u << 20;

void check_tables(Draft& draft) {
  if (draft.malformed) return;
  if (draft.listeners.empty()) {
    draft.problems.push_back({{}, "no [[listener]]: expected at least one, with name and listen"});
  }
  if (draft.sinks.empty()) {
    draft.problems.push_back({{}, "no [[sink]]: expected at least one, with name and type"});
  }
}

void check_timeouts(Draft& draft) {
  const auto& server = draft.config.server;
  const auto& source = draft.server;
  if (!source.sound("drain_timeout") || !source.sound("flush_timeout")) return;
  const auto sum = server.drain_timeout + server.flush_timeout;
  const std::string key = source.has("drain_timeout") ? "drain_timeout" : "flush_timeout";
  if (sum > kEngineStopTimeout) {
    source.warn(draft.problems, source.place_of(key), key,
                "a stop may take drain_timeout + flush_timeout = " + duration_text(sum) +
                    ", container engines kill after 10s unless told otherwise");
  }
  if (source.has("drain_quiet") && source.sound("drain_quiet") &&
      server.drain_quiet > server.drain_timeout) {
    source.warn(draft.problems, source.place_of("drain_quiet"), "drain_quiet",
                "no effect: longer than drain_timeout, " + duration_text(server.drain_timeout));
  }
}

std::string percent_of_memory(std::uint64_t memory) {
  return std::to_string(kQueuesPercent) + " % of server.memory, " + size_text(memory);
}

// The largest queue is the one to look at first.
std::string largest(const Draft& draft) {
  const auto& sinks = draft.config.sinks;
  const auto at = std::max_element(sinks.begin(), sinks.end(), [](const Sink& a, const Sink& b) {
    return a.queue.memory_bytes() < b.queue.memory_bytes();
  });
  return in_quotes(at->name) + " with " + size_text(at->queue.memory_bytes());
}

void check_memory_of_queues(Draft& draft) {
  const auto& sinks = draft.config.sinks;
  const std::uint64_t memory = draft.config.server.memory_bytes;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < sinks.size(); ++i) {
    if (!draft.sinks[i].sound("queue.max_bytes") || !draft.sinks[i].sound("queue.type")) return;
    sum += sinks[i].queue.memory_bytes();  // at most 1 TiB each: no overflow below 2^24 sinks
  }
  if (!draft.server.sound("memory") ||
      sum <= memory / 100 * kQueuesPercent + memory % 100 * kQueuesPercent / 100)
    return;
  const std::uint64_t needed = (sum * 100 / kQueuesPercent / kMiBBytes + 1) * kMiBBytes;
  const auto blame =
      std::find_if(draft.sinks.begin(), draft.sinks.end(),
                   [](const TableSource& sink) { return sink.has("queue.max_bytes"); });
  const bool server = draft.server.has("memory") || blame == draft.sinks.end();
  const TableSource& source = server ? draft.server : *blame;
  const std::string_view key = server ? "memory" : "queue.max_bytes";
  source.error(draft.problems, source.place_of(key), key,
               "the queues of all sinks together hold " + size_text(sum) +
                   " (queue.max_bytes; the largest is " + largest(draft) + "), expected at most " +
                   percent_of_memory(memory) + ": raise memory to " + in_quotes(size_text(needed)) +
                   " or lower the queues");
}

// Unfinished frames have a quarter of the budget: one frame has to fit.
void check_frames(Draft& draft) {
  if (!draft.server.sound("memory")) return;
  const std::size_t most = draft.config.server.memory_bytes / 4;
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    const auto& source = draft.listeners[i];
    const auto frame = draft.config.listeners[i].frames.max_frame_bytes;
    if (!source.has("max_frame_bytes") || !source.sound("max_frame_bytes") || frame <= most)
      continue;
    source.error(draft.problems, source.place_of("max_frame_bytes"), "max_frame_bytes",
                 "expected at most a quarter of server.memory, " + size_text(most) + ", got " +
                     size_text(frame));
  }
}

}  // namespace

void check_server(Draft& draft) {
  check_tables(draft);
  check_timeouts(draft);
  check_memory_of_queues(draft);
  check_frames(draft);
}

}  // namespace penstock::config
