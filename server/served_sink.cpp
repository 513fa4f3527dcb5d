#include "server/served_sink.h"

#include <algorithm>
#include <utility>

#include "server/files/file_ops.h"
#include "server/log/log.h"
#include "server/sinks/make.h"

namespace penstock {
namespace {

/// A queue on disk has at least so many segments, so that it is freed in pieces.
constexpr std::uint64_t kLeastSegments = 8;
constexpr std::uint64_t kLeastSegmentBytes = std::uint64_t{256} << 10;

DiskFull disk_full(config::WhenFull when_full) {
  switch (when_full) {
    case config::WhenFull::kBlock: return DiskFull::kBlock;
    case config::WhenFull::kDropNewest: return DiskFull::kDropNewest;
    case config::WhenFull::kDropOldest: return DiskFull::kDropOldest;
  }
  return DiskFull::kBlock;
}

QueueSync queue_sync(config::QueueSync sync) {
  switch (sync) {
    case config::QueueSync::kBatch: return QueueSync::kBatch;
    case config::QueueSync::kInterval: return QueueSync::kInterval;
    case config::QueueSync::kNever: return QueueSync::kNever;
  }
  return QueueSync::kBatch;
}

DiskQueue::Options disk_options(const config::Sink& sink) {
  DiskQueue::Options options;
  options.sink = sink.name;
  options.log.directory = sink.queue.path;
  options.log.max_bytes = sink.queue.max_bytes;
  options.log.segment_bytes = std::clamp(sink.queue.max_bytes / kLeastSegments, kLeastSegmentBytes,
                                         DiskLogOptions::kUsualSegmentBytes);
  options.log.sync = queue_sync(sink.queue.sync);
  options.when_full = disk_full(sink.queue.when_full);
  options.sync_interval = sink.queue.sync_interval;
  return options;
}

FindRoute find_route(Ledger& ledger, const std::string& sink) {
  return [&ledger, sink](std::string_view listener) -> RouteLedger& {
    return ledger.route(listener, sink);
  };
}

}  // namespace

ServedSink::ServedSink(const config::Sink& config, const std::string& quarantine, Shared shared,
                       std::function<void()> on_open)
    : name_(config.name),
      queue_(config.queue.memory_bytes(), std::move(on_open)),
      leftover_(name_, leftover_directory(quarantine, name_), system_files(), shared.pool,
                find_route(shared.ledger, name_), queue_) {
  const auto make_runner = [&](std::unique_ptr<Sink> sink, BatchSource& source,
                               SinkRunner::Role role) {
    return std::make_unique<SinkRunner>(name_, std::move(sink), source, shared.quarantine,
                                        shared.leftover, role);
  };
  if (config.queue.type == config::QueueType::kMemory) {
    intake_ = make_runner(make_sink(config), leftover_, SinkRunner::Role::kDelivers);
    return;
  }
  disk_ = std::make_unique<DiskQueue>(disk_options(config), system_files(), shared.pool,
                                      find_route(shared.ledger, name_));
  intake_ = make_runner(disk_->writer(), leftover_, SinkRunner::Role::kKeeps);
  delivery_ = make_runner(make_sink(config), disk_->reader(), SinkRunner::Role::kDelivers);
  disk_->on_room([this] { intake_->retry_soon(); });
}

Result<void> ServedSink::open() {
  leftover_.open();
  if (Result<void> opened = intake_->open(); !opened) return opened;
  return delivery_ ? delivery_->open() : Result<void>{};
}

void ServedSink::undo_open() noexcept {
  if (delivery_) delivery_->undo_open();
  intake_->undo_open();
  leftover_.undo_open();
}

void ServedSink::start() {
  intake_->start();
  if (delivery_) delivery_->start();
}

void ServedSink::finish() { intake_->finish(); }

void ServedSink::divert_intake() { intake_->divert(); }

void ServedSink::divert() {
  if (!intake_->join_until(Clock::now())) intake_->divert();
  if (delivery_) delivery_->divert();
}

bool ServedSink::join_until(Clock::time_point deadline) {
  if (!intake_->join_until(deadline)) return false;
  leftover_.close();
  if (!delivery_) return true;
  if (!std::exchange(delivery_finishing_, true)) delivery_->finish();
  if (!delivery_->join_until(deadline)) return false;
  close_disk();
  return true;
}

void ServedSink::abandon_hung_thread() { intake_->abandon_hung_thread(); }

std::uint64_t ServedSink::settled() const noexcept {
  return intake_->settled() + (delivery_ ? delivery_->settled() : 0);
}

void ServedSink::close_disk() {
  if (std::exchange(disk_closed_, true)) return;
  if (const Result<void> closed = disk_->close(); !closed) {
    close_failed_ = true;
    log::error("queue could not be closed", {{"sink", name_}, {"reason", closed.error().message}});
  }
  if (const std::uint64_t left = disk_->status().records; left != 0)
    log::info("records stay in the queue on disk",
              {{"sink", name_}, {"path", disk_->directory()}, {"records", left}});
}

}  // namespace penstock
