#include "server/admin/status_json.h"

#include "protocols/core/utc_text.h"
#include "server/admin/json.h"
#include "server/log/escape.h"

namespace penstock::admin {
namespace {

constexpr double kNanosecond = 1e-9;

/// Only what is not zero.
template <class Name, std::size_t N>
void add_counts(JsonDocument& json, std::string_view name,
                const std::array<std::uint64_t, N>& counts) {
  json.open_object(name);
  for (std::size_t at = 0; at < N; ++at)
    if (counts[at] != 0) json.add(to_string(static_cast<Name>(at)), counts[at]);
  json.close_object();
}

/// Cumulated, the last bound is infinity. `scale`: of a bound, to what is shown.
void add_histogram(JsonDocument& json, std::string_view name, const HistogramTotals& histogram,
                   double scale) {
  json.open_object(name);
  json.open_list("buckets");
  std::uint64_t below = 0;
  for (std::size_t at = 0; at < histogram.counts.size(); ++at) {
    below += histogram.counts[at];
    json.open_object();
    if (at < histogram.bounds.size())
      json.add("le", static_cast<double>(histogram.bounds[at]) * scale);
    else
      json.add_null("le");
    json.add("count", below);
    json.close_object();
  }
  json.close_list();
  json.add("count", histogram.count);
  json.add("sum", histogram.sum * scale);
  json.close_object();
}

void add_kernel(JsonDocument& json, const KernelTotals& kernel) {
  json.open_object("kernel");
  json.add("receive_queue_bytes", kernel.receive_queue_bytes);
  json.add("send_queue_bytes", kernel.send_queue_bytes);
  json.add("accept_queue", kernel.accept_queue);
  json.add("backlog", kernel.backlog);
  json.add("receive_buffer_bytes", kernel.receive_buffer_bytes);
  json.close_object();
}

void add_intake(JsonDocument& json, const IntakeTotals& totals, const KernelTotals& kernel) {
  const FrameCounts& counts = totals.counts;
  json.add("read_bytes", totals.read_bytes);
  json.add("compressed_bytes", counts.compressed_bytes);
  json.add("decompressed_bytes", counts.decompressed_bytes);
  json.add("in_frames_bytes", counts.in_frames_bytes);
  json.add("framing_bytes", counts.framing_bytes);
  json.add("cut_bytes", counts.cut_bytes);
  json.add("partial_held_bytes", totals.partial_held_bytes);
  add_counts<Reason>(json, "discarded_bytes", counts.discarded_bytes);
  json.add("frames", counts.frames);
  json.add("decoded", counts.decoded);
  json.add("empty", counts.empty);
  json.add("truncated", counts.truncated);
  json.add("partial", counts.partial);
  json.add("unparsed", counts.unparsed);
  json.add("aggregated", counts.aggregated);
  json.add("unaggregated", counts.unaggregated);
  json.add("truncated_streams", counts.truncated_streams);
  json.add("flushed", counts.flushed);
  json.add("events", counts.events);
  add_counts<Reason>(json, "rejected", counts.rejected);
  json.add("datagrams", totals.datagrams);
  json.add("kernel_drops", totals.kernel_drops);
  json.add("refused_while_stopping", totals.refused_while_stopping);
  json.open_object("connections");
  json.add("accepted", totals.accepted);
  json.add("active", totals.active);
  json.add("paused", totals.paused);
  add_counts<ConnectionEnd>(json, "ended", totals.ended);
  json.close_object();
  add_kernel(json, kernel);
  json.add("balanced", totals.bytes_balance() && totals.frames_balance());
}

void add_listener(JsonDocument& json, const ListenerStatus& listener) {
  json.open_object();
  json.add("name", listener.totals.name);
  json.add("protocol", listener.protocol);
  json.add("framing", listener.framing);
  json.open_object("gate");
  json.add("open", listener.shut_by.empty());
  json.open_list("shut_by");
  for (const std::string& name : listener.shut_by) json.item(name);
  json.close_list();
  json.close_object();
  add_intake(json, listener.totals, listener.kernel);
  add_histogram(json, "batch_events", listener.totals.batch_events, 1);
  add_histogram(json, "batch_bytes", listener.totals.batch_bytes, 1);
  json.open_list("urls");
  for (const UrlStatus& url : listener.urls) {
    json.open_object();
    json.add("url", url.totals.url);
    add_intake(json, url.totals, url.kernel);
    json.close_object();
  }
  json.close_list();
  json.close_object();
}

void add_route(JsonDocument& json, const RouteStatus& route) {
  json.open_object();
  json.add("listener", route.totals.listener);
  json.add("sink", route.totals.sink);
  json.add("required", route.required);
  json.add("events", route.totals.events);
  json.add("delivered", route.totals.delivered);
  json.add("recovered", route.totals.recovered);
  json.add("queued", route.totals.queued);
  add_counts<RouteLoss>(json, "lost", route.totals.lost);
  add_histogram(json, "delivery_seconds", route.totals.delivery_ns, kNanosecond);
  json.add("balanced", route.totals.balance());
  json.close_object();
}

void add_disk_queue(JsonDocument& json, const DiskQueueStatus& disk) {
  json.open_object("disk_queue");
  json.add("path", disk.path);
  json.add("records", disk.records);
  json.add("bytes", disk.bytes);
  json.add("max_bytes", disk.max_bytes);
  json.add("segments", disk.segments);
  json.add("written_bytes", disk.written_bytes);
  json.add("syncs", disk.syncs);
  json.add("failed_syncs", disk.failed_syncs);
  json.add("damaged_records", disk.damaged_records);
  json.add("delivering", disk.delivering);
  json.add("delivery_error", disk.delivery_error);
  json.close_object();
}

void add_sink(JsonDocument& json, const SinkStatus& sink) {
  json.open_object();
  json.add("name", sink.name);
  json.add("type", sink.type);
  json.add("failing", sink.failing);
  json.add("taking", sink.taking);
  json.add("diverted", sink.diverted);
  json.add("last_error", sink.last_error);
  json.open_object("queue");
  json.add("open", sink.queue_open);
  json.add("bytes", sink.queue_bytes);
  json.add("peak_bytes", sink.queue_peak_bytes);
  json.add("max_bytes", sink.queue_max_bytes);
  json.add("batches", sink.queue_batches);
  json.close_object();
  if (sink.disk) add_disk_queue(json, *sink.disk);
  json.close_object();
}

void add_server(JsonDocument& json, const Status& status) {
  json.add("version", status.version);
  json.add("host", status.host);
  json.add("pid", status.pid);
  json.add("config", status.config_file);
  json.add("time", utc_text(status.time_ns));
  json.add("started", utc_text(status.started_ns));
  json.add("uptime_seconds", static_cast<double>(status.time_ns - status.started_ns) * kNanosecond);
  json.add("phase", to_string(status.phase));
  json.add("ready", status.not_ready.empty());
  json.open_list("not_ready");
  for (const std::string& why : status.not_ready) json.item(why);
  json.close_list();
}

void add_memory(JsonDocument& json, const MemoryStatus& memory) {
  json.open_object("memory");
  json.add("used_bytes", memory.used_bytes);
  json.add("max_bytes", memory.max_bytes);
  json.add("pressed", memory.pressed);
  json.add("idle_block_bytes", memory.idle_block_bytes);
  json.add("partial_bytes", memory.partial_bytes);
  json.add("decompressor_bytes", memory.decompressor_bytes);
  json.add("aggregate_bytes", memory.aggregate_bytes);
  json.close_object();
}

template <class List, class Add>
void add_list(JsonDocument& json, std::string_view name, const List& list, Add&& add) {
  json.open_list(name);
  for (const auto& one : list) add(json, one);
  json.close_list();
}

/// As text that is safe to show: \xHH for what is no printable UTF-8.
std::string shown_bytes(std::string_view bytes) {
  std::string text;
  log::append_plain(text, bytes);
  return text;
}

void add_quarantine_count(JsonDocument& json, const QuarantineCount& count) {
  json.open_object();
  json.add("reason", count.reason);
  json.add("listener", count.listener);
  json.add("count", count.count);
  json.add("bytes", count.bytes);
  json.close_object();
}

void add_quarantine_seen(JsonDocument& json, const QuarantineSeen& seen) {
  json.open_object();
  json.add("time", utc_text(seen.entry.time_ns));
  json.add("listener", seen.entry.listener);
  json.add("url", seen.entry.url);
  json.add("peer", seen.entry.peer);
  json.add("reason", seen.entry.reason);
  json.add("detail", seen.entry.detail);
  json.add("bytes", shown_bytes(seen.entry.bytes));
  json.add("size", seen.size);
  json.close_object();
}

void add_quarantine(JsonDocument& json, const QuarantineStatus& quarantine) {
  json.open_object("quarantine");
  json.add("entries", quarantine.entries);
  json.add("dropped", quarantine.dropped);
  json.add("leftover", quarantine.leftover);
  add_list(json, "by_reason", quarantine.by_reason, add_quarantine_count);
  add_list(json, "last", quarantine.last, add_quarantine_seen);
  json.close_object();
}

}  // namespace

void add_status(JsonDocument& json, const Status& status) {
  add_server(json, status);
  json.open_object("connections");
  json.add("active", status.connections);
  json.add("max", status.max_connections);
  std::uint64_t paused = 0;
  for (const ListenerStatus& listener : status.listeners) paused += listener.totals.paused;
  json.add("paused", paused);
  json.close_object();
  add_memory(json, status.memory);
  add_list(json, "loops", status.loops, [](JsonDocument& to, const LoopTotals& loop) {
    to.open_object();
    to.add("connections", loop.connections);
    add_histogram(to, "turn_seconds", loop.turn_ns, kNanosecond);
    to.close_object();
  });
  add_list(json, "listeners", status.listeners, add_listener);
  add_list(json, "routes", status.routes, add_route);
  add_list(json, "sinks", status.sinks, add_sink);
  add_quarantine(json, status.quarantine);
}

std::string to_json(const Status& status) {
  JsonDocument json;
  json.open_object();
  add_status(json, status);
  json.close_object();
  return std::string(json.text()) + '\n';
}

}  // namespace penstock::admin
