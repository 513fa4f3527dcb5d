#include "server/admin/metrics_text.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "server/admin/metrics_intake.h"
#include "server/admin/prometheus_text.h"

namespace penstock::admin {
namespace {

using enum MetricType;

constexpr double kNanosecondsPerSecond = 1e9;

/// A row of a table of metrics; a reader of the tables knows all that is exported.
template <class Of>
struct Metric {
  std::string_view name;
  MetricType type;
  std::string_view help;
  std::uint64_t (*value)(const Of&);
};

constexpr std::array<Metric<Status>, 12> kServerMetrics = {{
    {"penstock_ready", kGauge, "1 while /readyz says yes.",
     [](const Status& status) -> std::uint64_t { return status.not_ready.empty(); }},
    {"penstock_connections_limit", kGauge, "How many connections may be open at once.",
     [](const Status& status) { return status.max_connections; }},
    {"penstock_memory_used_bytes", kGauge, "Of server.memory, in use: blocks and indexes.",
     [](const Status& status) { return status.memory.used_bytes; }},
    {"penstock_memory_max_bytes", kGauge, "The setting server.memory.",
     [](const Status& status) { return status.memory.max_bytes; }},
    {"penstock_memory_pressed", kGauge,
     "1 while more than half of server.memory is in use and listeners hold as little as they can.",
     [](const Status& status) -> std::uint64_t { return status.memory.pressed; }},
    {"penstock_memory_idle_block_bytes", kGauge, "Blocks kept for reuse.",
     [](const Status& status) { return status.memory.idle_block_bytes; }},
    {"penstock_memory_partial_bytes", kGauge, "Of frames that have no end yet.",
     [](const Status& status) { return status.memory.partial_bytes; }},
    {"penstock_memory_decompressor_bytes", kGauge, "Held by decompressors.",
     [](const Status& status) { return status.memory.decompressor_bytes; }},
    {"penstock_memory_aggregate_bytes", kGauge, "Held by aggregates.",
     [](const Status& status) { return status.memory.aggregate_bytes; }},
    {"penstock_quarantine_entries_total", kCounter, "Entries written to the quarantine.",
     [](const Status& status) { return status.quarantine.entries; }},
    {"penstock_quarantine_dropped_total", kCounter,
     "Entries that the quarantine could not take: over its bounds, or a write failed.",
     [](const Status& status) { return status.quarantine.dropped; }},
    {"penstock_leftover_entries_total", kCounter,
     "Records that the stop has left over for the next start.",
     [](const Status& status) { return status.quarantine.leftover; }},
}};

constexpr std::array<Metric<RouteStatus>, 5> kRouteMetrics = {{
    {"penstock_route_required", kGauge, "1: a required sink; 0: a best-effort one.",
     [](const RouteStatus& route) -> std::uint64_t { return route.required; }},
    {"penstock_events_routed_total", kCounter, "Records that the route took.",
     [](const RouteStatus& route) { return route.totals.events; }},
    {"penstock_events_recovered_total", kCounter,
     "Records that an earlier run had left in the sink's queue on disk.",
     [](const RouteStatus& route) { return route.totals.recovered; }},
    {"penstock_events_delivered_total", kCounter, "Records that the sink has delivered.",
     [](const RouteStatus& route) { return route.totals.delivered; }},
    {"penstock_events_queued", kGauge, "Records that wait for the sink, or are with it.",
     [](const RouteStatus& route) { return route.totals.queued; }},
}};

constexpr std::array<Metric<SinkStatus>, 7> kSinkMetrics = {{
    {"penstock_sink_failing", kGauge, "1 while the sink's last write did not succeed.",
     [](const SinkStatus& sink) -> std::uint64_t { return sink.failing; }},
    {"penstock_sink_diverted", kGauge,
     "1 when the stop has given the sink up: its queue is left over for the next start.",
     [](const SinkStatus& sink) -> std::uint64_t { return sink.diverted; }},
    {"penstock_sink_queue_bytes", kGauge, "Bytes in the sink's queue.",
     [](const SinkStatus& sink) { return sink.queue_bytes; }},
    {"penstock_sink_queue_peak_bytes", kGauge, "The most that was in the queue since the start.",
     [](const SinkStatus& sink) { return sink.queue_peak_bytes; }},
    {"penstock_sink_queue_max_bytes", kGauge,
     "The setting queue.max_bytes: at this fill reading pauses, or records are dropped "
     "(when_full).",
     [](const SinkStatus& sink) { return sink.queue_max_bytes; }},
    {"penstock_sink_queue_batches", kGauge, "Batches in the queue.",
     [](const SinkStatus& sink) { return sink.queue_batches; }},
    {"penstock_sink_queue_shut", kGauge, "1 while the queue takes nothing.",
     [](const SinkStatus& sink) -> std::uint64_t { return !sink.queue_open; }},
}};

/// Of sinks with a queue on disk.
constexpr std::array<Metric<DiskQueueStatus>, 9> kDiskQueueMetrics = {{
    {"penstock_disk_queue_records", kGauge, "Records in the queue on disk.",
     [](const DiskQueueStatus& disk) { return disk.records; }},
    {"penstock_disk_queue_bytes", kGauge, "Bytes of all its files.",
     [](const DiskQueueStatus& disk) { return disk.bytes; }},
    {"penstock_disk_queue_max_bytes", kGauge, "The setting queue.max_bytes.",
     [](const DiskQueueStatus& disk) { return disk.max_bytes; }},
    {"penstock_disk_queue_segments", kGauge, "Its segment files.",
     [](const DiskQueueStatus& disk) { return disk.segments; }},
    {"penstock_disk_queue_delivering", kGauge, "1 while its sink takes what it is given.",
     [](const DiskQueueStatus& disk) -> std::uint64_t { return disk.delivering; }},
    {"penstock_disk_queue_written_bytes_total", kCounter, "Bytes written to its files.",
     [](const DiskQueueStatus& disk) { return disk.written_bytes; }},
    {"penstock_disk_queue_syncs_total", kCounter, "Syncs of its files that succeeded.",
     [](const DiskQueueStatus& disk) { return disk.syncs; }},
    {"penstock_disk_queue_failed_syncs_total", kCounter,
     "Syncs that failed: the segment was sealed, and what was not durable written to another one.",
     [](const DiskQueueStatus& disk) { return disk.failed_syncs; }},
    {"penstock_disk_queue_damaged_records_total", kCounter,
     "Records that the disk gave back damaged, or not at all.",
     [](const DiskQueueStatus& disk) { return disk.damaged_records; }},
}};

/// By listener and reason, those that have none yet included. `value`: of what was counted.
void append_quarantined(PrometheusText& text, const Status& status, std::string_view name,
                        std::string_view help, std::uint64_t QuarantineCount::*value) {
  using ListenerAndReason = std::pair<std::string, std::string>;
  std::map<ListenerAndReason, std::uint64_t> counts;
  for (const ListenerStatus& listener : status.listeners)
    for (std::size_t at = 0; at < kReasonCount; ++at)
      counts[{listener.totals.name, std::string(penstock::to_string(static_cast<Reason>(at)))}] = 0;
  for (const QuarantineCount& count : status.quarantine.by_reason)
    counts[{count.listener, count.reason}] = count.*value;
  text.open(name, kCounter, help);
  for (const auto& [labels, count] : counts)
    text.add({{"listener", labels.first}, {"reason", labels.second}}, count);
}

template <class Rows, class Items, class Visit>
void append_table(PrometheusText& text, const Rows& rows, const Items& items, Visit&& add) {
  for (const auto& row : rows) {
    text.open(row.name, row.type, row.help);
    for (const auto& item : items) add(item, row.value(item));
  }
}

/// What some kinds of sinks have beside: each metric once, with a sample for each sink that has it.
void append_measures(PrometheusText& text, const std::vector<SinkStatus>& sinks) {
  struct Metric {
    const SinkMeasure* measure;
    std::vector<std::pair<std::string, double>> samples;
  };
  std::map<std::string_view, Metric> metrics;
  for (const SinkStatus& sink : sinks) {
    for (const SinkMeasure& measure : sink.measures) {
      Metric& metric = metrics[measure.name];
      metric.measure = &measure;
      metric.samples.emplace_back(sink.name, measure.value);
    }
  }
  for (const auto& [name, metric] : metrics) {
    text.open(name, metric.measure->counter ? kCounter : kGauge, metric.measure->help);
    for (const auto& [sink, value] : metric.samples) text.add({{"sink", sink}}, value);
  }
}

void append_server(PrometheusText& text, const Status& status) {
  text.open("penstock_build_info", kGauge, "Always 1; the version is its label.");
  text.add({{"version", status.version}}, std::uint64_t{1});
  text.open("penstock_start_time_seconds", kGauge, "When the server started, since 1970.");
  const std::int64_t started_ms = status.started_ns / 1'000'000;
  text.add({}, static_cast<double>(started_ms) / 1e3);
  text.open("penstock_phase", kGauge, "1 for the phase that the server is in.");
  for (const std::string_view phase : {"starting", "serving", "draining", "ended"})
    text.add({{"phase", phase}}, std::uint64_t{to_string(status.phase) == phase});
  for (const auto& row : kServerMetrics) {
    text.open(row.name, row.type, row.help);
    text.add({}, row.value(status));
  }
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

/// One sample for each of those that can shut the listener's gate: its required sinks, and memory.
void append_gate(PrometheusText& text, const Status& status, const ListenerStatus& listener) {
  const std::string& name = listener.totals.name;
  std::vector<std::string> by;
  for (const RouteStatus& route : status.routes)
    if (route.totals.listener == name && route.required) by.push_back(route.totals.sink);
  if (!contains(by, "memory")) by.emplace_back("memory");  // a sink may be called so
  for (const std::string& one : by)
    text.add({{"listener", name}, {"by", one}}, std::uint64_t{contains(listener.shut_by, one)});
}

void append_listeners(PrometheusText& text, const Status& status) {
  text.open("penstock_gate_shut", kGauge,
            "1 while the listener may not read because of this sink, or of memory.");
  for (const ListenerStatus& listener : status.listeners) append_gate(text, status, listener);
  text.open("penstock_listener_info", kGauge,
            "Always 1; what the listener speaks is in its labels.");
  for (const ListenerStatus& listener : status.listeners)
    text.add({{"listener", listener.totals.name},
              {"protocol", listener.protocol},
              {"framing", listener.framing}},
             std::uint64_t{1});
  append_intake_metrics(text, status);
  text.open("penstock_batch_events", kHistogram, "Records of a batch.");
  for (const ListenerStatus& listener : status.listeners)
    text.add_histogram({{"listener", listener.totals.name}}, listener.totals.batch_events, 1);
  text.open("penstock_batch_bytes", kHistogram, "Bytes of the block that a batch spans.");
  for (const ListenerStatus& listener : status.listeners)
    text.add_histogram({{"listener", listener.totals.name}}, listener.totals.batch_bytes, 1);
}

void append_routes(PrometheusText& text, const Status& status) {
  append_table(
      text, kRouteMetrics, status.routes, [&](const RouteStatus& route, std::uint64_t value) {
        text.add({{"listener", route.totals.listener}, {"sink", route.totals.sink}}, value);
      });
  text.open("penstock_events_lost_total", kCounter,
            "Records that a route took and that never reached its sink, by reason.");
  for (const RouteStatus& route : status.routes)
    for (std::size_t at = 0; at < kRouteLossCount; ++at)
      text.add({{"listener", route.totals.listener},
                {"sink", route.totals.sink},
                {"reason", penstock::to_string(static_cast<RouteLoss>(at))}},
               route.totals.lost[at]);
  text.open("penstock_delivery_seconds", kHistogram,
            "Time from the read to the delivery, an entry a record.");
  for (const RouteStatus& route : status.routes)
    text.add_histogram({{"listener", route.totals.listener}, {"sink", route.totals.sink}},
                       route.totals.delivery_ns, kNanosecondsPerSecond);
}

void append_sinks(PrometheusText& text, const Status& status) {
  text.open("penstock_sink_info", kGauge, "Always 1; the sink's type is its label.");
  for (const SinkStatus& sink : status.sinks)
    text.add({{"sink", sink.name}, {"type", sink.type}}, std::uint64_t{1});
  append_table(text, kSinkMetrics, status.sinks, [&](const SinkStatus& sink, std::uint64_t value) {
    text.add({{"sink", sink.name}}, value);
  });
  append_measures(text, status.sinks);
}

void append_disk_queues(PrometheusText& text, const Status& status) {
  if (std::none_of(status.sinks.begin(), status.sinks.end(),
                   [](const SinkStatus& sink) { return sink.disk.has_value(); }))
    return;
  for (const Metric<DiskQueueStatus>& metric : kDiskQueueMetrics) {
    text.open(metric.name, metric.type, metric.help);
    for (const SinkStatus& sink : status.sinks) {
      if (sink.disk) text.add({{"sink", sink.name}}, metric.value(*sink.disk));
    }
  }
}

void append_quarantine(PrometheusText& text, const Status& status) {
  append_quarantined(
      text, status, "penstock_quarantined_entries_total",
      "Entries that went to the quarantine, by reason, whether it could take them or not.",
      &QuarantineCount::count);
  append_quarantined(text, status, "penstock_quarantined_bytes_total", "Their bytes.",
                     &QuarantineCount::bytes);
}

void append_loops(PrometheusText& text, const Status& status) {
  text.open("penstock_loop_connections", kGauge, "Connections of this I/O loop.");
  for (std::size_t at = 0; at < status.loops.size(); ++at)
    text.add({{"loop", std::to_string(at)}}, status.loops[at].connections);
  text.open("penstock_loop_turn_seconds", kHistogram,
            "Work of an I/O loop between two sleeps; long turns make peers wait.");
  for (std::size_t at = 0; at < status.loops.size(); ++at)
    text.add_histogram({{"loop", std::to_string(at)}}, status.loops[at].turn_ns,
                       kNanosecondsPerSecond);
}

}  // namespace

void append_metrics(std::string& out, const Status& status) {
  PrometheusText text(out);
  append_server(text, status);
  append_listeners(text, status);
  append_routes(text, status);
  append_sinks(text, status);
  append_disk_queues(text, status);
  append_quarantine(text, status);
  append_loops(text, status);
}

}  // namespace penstock::admin
