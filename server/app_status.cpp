#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "server/app.h"
#include "server/config/keys.h"
#include "server/log/log.h"
#include "server/log/wall_clock.h"

// What the admin part asks of the App, on its threads: everything read here lives from before they start until after
// they have ended, and is either unchanging or made to be read by others.
namespace penstock {
namespace {

std::string host_name() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

std::optional<DiskQueueStatus> disk_status(const ServedSink& served) {
  const DiskQueue* disk = served.disk();
  if (disk == nullptr) return std::nullopt;
  const DiskLog::Status log = disk->status();
  DiskQueueStatus status;
  status.path = disk->directory();
  status.records = log.records;
  status.bytes = log.bytes;
  status.max_bytes = disk->max_bytes();
  status.segments = log.segments;
  status.written_bytes = log.written_bytes;
  status.syncs = log.syncs;
  status.failed_syncs = log.failed_syncs;
  status.damaged_records = log.damaged_records;
  status.delivering = !served.delivery().failing();
  if (!status.delivering) status.delivery_error = served.delivery().trouble();
  return status;
}

SinkStatus sink_status(ServedSink& served, const config::Sink& config) {
  SinkStatus sink;
  const SinkRunner& intake = served.intake();
  sink.name = served.name();
  sink.type = config::to_string(config.type);
  sink.taking = !intake.failing();
  sink.failing = intake.failing() || served.delivery().failing();
  sink.diverted = intake.diverted();
  if (sink.failing)
    sink.last_error = intake.failing() ? intake.trouble() : served.delivery().trouble();
  sink.queue_open = served.queue().open();
  const SinkQueue::Fill fill = served.queue().fill();
  sink.queue_bytes = fill.bytes;
  sink.queue_peak_bytes = fill.peak_bytes;
  sink.queue_batches = fill.batches;
  sink.queue_max_bytes = config.queue.memory_bytes();
  sink.disk = disk_status(served);
  sink.measures = served.delivery().sink().measures();
  return sink;
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

Status App::status() const {
  Status status;
  status.version = PENSTOCK_VERSION;
  status.host = host_name();
  status.config_file = config_path_;
  status.pid = ::getpid();
  status.time_ns = wall_clock_ns();
  status.started_ns = started_ns_;
  status.phase = phase_;
  // The outcome before what came in: a running server never shows more delivered than read.
  for (std::size_t at = 0; at < sinks_.size(); ++at)
    status.sinks.push_back(sink_status(*sinks_[at], config_.sinks[at]));
  LedgerSnapshot ledger = ledger_->snapshot();
  for (RouteTotals& route : ledger.routes) status.routes.push_back({std::move(route), false});
  for (RouteStatus& route : status.routes) route.required = !is_best_effort(route.totals);
  for (ListenerTotals& listener : ledger.listeners)
    status.listeners.push_back(status_of(std::move(listener)));
  status.loops = std::move(ledger.loops);
  for (const LoopTotals& loop : status.loops) status.connections += loop.connections;
  status.max_connections = connections_ ? connections_->limit() : 0;
  status.memory = memory_status();
  status.quarantine = {.entries = quarantine_->written(),
                       .dropped = quarantine_->dropped(),
                       .leftover = leftover_->records(),
                       .by_reason = quarantine_->tally().counts(),
                       .last = quarantine_->tally().last()};
  add_not_ready(status);
  return status;
}

ListenerStatus App::status_of(ListenerTotals totals) const {
  ListenerStatus listener;
  const auto config = std::find_if(config_.listeners.begin(), config_.listeners.end(),
                                   [&](const auto& one) { return one.name == totals.name; });
  if (config != config_.listeners.end()) {
    listener.protocol = config->protocol;
    listener.framing = config::to_string(config->frames.framing);
    for (std::size_t at = 0; at < sinks_.size(); ++at) {
      const config::Sink& sink = config_.sinks[at];
      if (contains(config->sinks, sink.name) && sink.queue.when_full == config::WhenFull::kBlock &&
          !sinks_[at]->queue().open())
        listener.shut_by.push_back(sink.name);
    }
  }
  if (totals.paused != 0 && listener.shut_by.empty()) listener.shut_by.emplace_back("memory");
  for (UrlTotals& url : std::exchange(totals.urls, {}))
    listener.urls.push_back({std::move(url), {}});
  listener.totals = std::move(totals);
  return listener;
}

MemoryStatus App::memory_status() const {
  return {.used_bytes = memory_->used_bytes(),
          .max_bytes = memory_->max_bytes(),
          .pressed = memory_->pressed(),
          .idle_block_bytes = pool_->idle_bytes(),
          .partial_bytes = partials_->used_bytes(),
          .decompressor_bytes = decompressors_->used_bytes(),
          .aggregate_bytes = aggregates_->used_bytes()};
}

void App::add_not_ready(Status& status) const {
  if (status.phase != Phase::kServing)
    status.not_ready.push_back("the server is " + std::string(to_string(status.phase)));
  for (const SinkStatus& sink : status.sinks) {
    const bool required = std::any_of(
        config_.listeners.begin(), config_.listeners.end(),
        [&](const config::Listener& listener) { return contains(listener.sinks, sink.name); });
    if (!sink.taking && required)
      status.not_ready.push_back("sink \"" + sink.name + "\" cannot write: " + sink.last_error);
  }
}

std::vector<Endpoint> App::endpoints() const {
  std::vector<Endpoint> all;
  for (const Served& served : listeners_) {
    const std::vector<Endpoint>& of_one = served.listener->endpoints();
    all.insert(all.end(), of_one.begin(), of_one.end());
  }
  return all;
}

SocketSurvey App::sockets(std::chrono::milliseconds wait) const {
  std::vector<IoLoop*> loops;
  for (const auto& loop : loops_) loops.push_back(loop.get());
  return survey_sockets(loops, wait);
}

std::string App::config_text() const { return config_.shown_text; }

bool App::drain() {
  if (phase_ != Phase::kServing) return false;
  main_->post([this] {
    if (phase_ != Phase::kServing) return;
    log::info("stopping", {{"asked_by", "admin"}});
    (void)apply(config::Config{});
  });
  return true;
}

void App::reopen() {
  main_->post([this] {
    log::info("reopening files", {{"asked_by", "admin"}});
    reopen_files();
  });
}

std::vector<TapPoint*> App::tap_points() {
  std::vector<TapPoint*> points;
  for (Served& served : listeners_) points.push_back(&served.listener->tap_point());
  return points;
}

}  // namespace penstock
