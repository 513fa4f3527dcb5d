#include "server/pipeline/disk_queue.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;

}  // namespace

// ---- putting in

/// Not a place where records leave, but the runner's part of a sink fits: batches are pending until they are synced.
class DiskQueue::Writer final : public Sink {
 public:
  explicit Writer(DiskQueue& queue) : queue_(queue) {}

  Result<void> open() override { return queue_.open(); }
  void undo_open() noexcept override { queue_.undo_open(); }
  std::size_t window() const noexcept override {
    return appended_bytes_ < kGroupBytes ? appended_.size() + 1 : appended_.size();
  }
  WriteStatus write(const Batch& batch) override;
  std::vector<Finished> poll(std::chrono::milliseconds) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  void tick() override;
  Result<void> close() override;
  void request_interrupt() noexcept override {
    interrupted_.store(true);
    queue_.changed_.notify_all();
  }
  std::string last_error() const override { return error_; }

 private:
  DiskLog& log() noexcept { return *queue_.log_; }
  bool commit();
  WriteStatus make_room();
  bool wait_for_room();
  void drop(const StoredBatch& batch);
  void tell(WriteStatus status);

  struct Appended {
    const Batch* batch = nullptr;
    bool pending = true;  // for the runner
  };

  DiskQueue& queue_;
  std::vector<Appended> appended_;  // not yet committed
  std::size_t appended_bytes_ = 0;
  std::vector<const Batch*> committed_;  // which the runner will ask for
  std::vector<Finished> finished_;
  Clock::time_point last_sync_ = Clock::now();
  std::atomic<bool> interrupted_{false};
  log::RateLimit drops_;
  std::string error_;
};

WriteStatus DiskQueue::Writer::write(const Batch& batch) {
  if (std::erase(committed_, &batch) != 0) return WriteStatus::kDelivered;
  const bool waits = std::any_of(appended_.begin(), appended_.end(),
                                 [&](const Appended& each) { return each.batch == &batch; });
  if (waits) {
    if (!commit()) return WriteStatus::kRetry;
    std::erase(committed_, &batch);
    return WriteStatus::kDelivered;
  }
  while (!log().append(batch)) {
    if (!commit()) return WriteStatus::kRetry;
    if (const WriteStatus room = make_room(); room != WriteStatus::kDelivered) return room;
  }
  appended_.push_back({&batch, true});
  appended_bytes_ += batch.charged_bytes;
  return WriteStatus::kPending;
}

std::vector<Finished> DiskQueue::Writer::poll(std::chrono::milliseconds) {
  if (!commit()) tell(WriteStatus::kRetry);
  return std::exchange(finished_, {});
}

/// Writes, and syncs where that is the policy, everything that was appended. True: nothing waits for it any more.
bool DiskQueue::Writer::commit() {
  if (appended_.empty()) return true;
  const DiskLog::CommitStatus status = log().commit();
  if (status != DiskLog::CommitStatus::kDone) error_ = log().last_error();
  if (status == DiskLog::CommitStatus::kRetry) return false;
  const bool done = status == DiskLog::CommitStatus::kDone;
  tell(done ? WriteStatus::kDelivered : WriteStatus::kRetry);
  appended_.clear();  // after kRewrite all of it is to be appended again
  appended_bytes_ = 0;
  if (!done) return false;
  const std::lock_guard lock(queue_.mutex_);
  ++queue_.kept_;
  queue_.changed_.notify_all();
  return true;
}

/// What the runner takes for pending it learns from poll(); of the rest it asks by write().
void DiskQueue::Writer::tell(WriteStatus status) {
  for (Appended& each : appended_) {
    if (std::exchange(each.pending, false))
      finished_.push_back({each.batch, status});
    else if (status == WriteStatus::kDelivered)
      committed_.push_back(each.batch);
  }
}

/// kDelivered: there is a segment to write to.
WriteStatus DiskQueue::Writer::make_room() {
  for (;;) {
    switch (log().roll()) {
      case DiskLog::RollStatus::kDone: return WriteStatus::kDelivered;
      case DiskLog::RollStatus::kRetry: error_ = log().last_error(); return WriteStatus::kRetry;
      case DiskLog::RollStatus::kFull: break;
    }
    if (queue_.options_.when_full == DiskFull::kDropNewest) return WriteStatus::kFull;
    if (queue_.options_.when_full == DiskFull::kDropOldest &&
        log().drop_oldest([this](const StoredBatch& batch) { drop(batch); }))
      continue;
    if (wait_for_room()) continue;
    error_ =
        "the queue in " + queue_.directory() + " is full (queue.max_bytes), it waits for its sink";
    return WriteStatus::kRetry;
  }
}

bool DiskQueue::Writer::wait_for_room() {
  std::unique_lock lock(queue_.mutex_);
  const std::uint64_t before = queue_.freed_;
  return queue_.changed_.wait_for(lock, kRoomPatience, [&] {
    return queue_.freed_ != before || interrupted_.load();
  }) && !interrupted_.load();
}

void DiskQueue::Writer::drop(const StoredBatch& batch) {
  RouteLedger& route = route_of(batch, queue_.find_route_);
  if (batch.first_record < log().first_own_record()) count_recovered(route, batch.records);
  route.queued -= batch.records;
  count_loss(route, RouteLoss::kDropOldest, batch.records);
  std::uint64_t suppressed = 0;
  if (drops_.allow(log::steady_ms(), suppressed))
    log::warn("queue is full, its oldest segment is dropped",
              {{"sink", queue_.options_.sink}, {"suppressed", suppressed}});
}

std::vector<FrameRange> DiskQueue::Writer::abandon(const Batch& batch) {
  std::erase_if(appended_, [&](const Appended& each) { return each.batch == &batch; });
  std::erase_if(finished_, [&](const Finished& each) { return each.batch == &batch; });
  if (std::erase(committed_, &batch) != 0) return {};
  return {{0, batch.frames.size()}};
}

void DiskQueue::Writer::tick() {
  if (queue_.options_.log.sync != QueueSync::kInterval) return;
  if (Clock::now() - last_sync_ < queue_.options_.sync_interval) return;
  last_sync_ = Clock::now();
  if (!log().sync_written()) log().roll();
}

/// What a failed sync has left is not read before it is rewritten.
Result<void> DiskQueue::Writer::close() {
  if (queue_.options_.log.sync == QueueSync::kInterval && !log().sync_written()) log().roll();
  return {};
}

// ---- delivering

class DiskQueue::Reader final : public BatchSource {
 public:
  explicit Reader(DiskQueue& queue) : queue_(queue), delivery_(queue.find_route_) {}

  std::optional<QueueEntry> pop(std::chrono::milliseconds wait) override;
  bool claim(const QueueEntry&) override { return true; }
  void done(const QueueEntry& entry) override;
  std::vector<QueueEntry> seize() override { return {}; }
  void finish() override {
    finishing_.store(true);
    wake();
  }
  bool finished() const override {
    return abandoned_.load() || (finishing_.load() && queue_.log_->all_read());
  }
  std::size_t fill_bytes() const override { return queue_.log_->status().bytes; }
  bool keep(const QueueEntry& entry) override;
  void abandon() noexcept override {
    abandoned_.store(true);
    wake();
  }
  /// Both runners have ended. Of what was kept, that whose file has made way (DiskFull::kDropOldest) is nowhere.
  void count_dropped();

 private:
  struct Kept {
    std::uint64_t end = 0;  // record
    RouteLedger* route = nullptr;
    std::size_t events = 0;
  };

  void wake() {
    const std::lock_guard lock(queue_.mutex_);
    queue_.changed_.notify_all();
  }
  void wait_for_more(std::uint64_t seen, std::chrono::milliseconds wait);
  void move_on(std::uint64_t end);
  void checkpoint_when_due();
  void log_notes();

  DiskQueue& queue_;
  LogDelivery delivery_;
  std::vector<Kept> kept_;
  Clock::time_point last_checkpoint_, read_again_at_;
  log::RateLimit complaints_, notes_, reminders_{1, 30'000};
  std::string last_note_;
  std::atomic<bool> finishing_{false}, abandoned_{false};
};

std::optional<QueueEntry> DiskQueue::Reader::pop(std::chrono::milliseconds wait) {
  checkpoint_when_due();
  std::uint64_t seen = 0;
  {
    const std::lock_guard lock(queue_.mutex_);
    seen = queue_.kept_;
  }
  if (Clock::now() < read_again_at_) {
    if (wait.count() != 0) wait_for_more(seen, wait);
    return std::nullopt;
  }
  StoredBatch stored;
  switch (queue_.log_->next(stored)) {
    case DiskLog::ReadStatus::kBatch: {
      const bool recovered = stored.first_record < queue_.log_->first_own_record();
      return delivery_.take(std::move(stored), recovered);
    }
    case DiskLog::ReadStatus::kNothing:
      if (delivery_.idle()) move_on(queue_.log_->read_record());
      break;
    case DiskLog::ReadStatus::kError: {
      read_again_at_ = Clock::now() + kReadPause;
      std::uint64_t suppressed = 0;
      if (complaints_.allow(log::steady_ms(), suppressed))
        log::error("queue cannot be read, will try again", {{"sink", queue_.options_.sink},
                                                            {"reason", queue_.log_->read_error()},
                                                            {"suppressed", suppressed}});
      break;
    }
  }
  if (wait.count() != 0) wait_for_more(seen, wait);
  return std::nullopt;
}

void DiskQueue::Reader::wait_for_more(std::uint64_t seen, std::chrono::milliseconds wait) {
  std::unique_lock lock(queue_.mutex_);
  queue_.changed_.wait_for(
      lock, wait, [&] { return queue_.kept_ != seen || finishing_.load() || abandoned_.load(); });
}

void DiskQueue::Reader::done(const QueueEntry& entry) {
  if (const std::uint64_t end = delivery_.done(entry); end != 0) move_on(end);
}

bool DiskQueue::Reader::keep(const QueueEntry& entry) {
  kept_.push_back({delivery_.end_of(entry), entry.route, entry.batch->events()});
  delivery_.keep(entry);
  return true;
}

void DiskQueue::Reader::count_dropped() {
  for (const Kept& each : std::exchange(kept_, {})) {
    if (each.end > queue_.log_->done_record()) continue;
    each.route->queued -= each.events;
    count_loss(*each.route, RouteLoss::kDropOldest, each.events);
  }
}

void DiskQueue::Reader::move_on(std::uint64_t end) {
  if (!queue_.log_->delivered(end)) return;
  {
    const std::lock_guard lock(queue_.mutex_);
    ++queue_.freed_;
    queue_.changed_.notify_all();
  }
  if (queue_.on_room_) queue_.on_room_();
}

void DiskQueue::Reader::checkpoint_when_due() {
  const auto now = Clock::now();
  if (now - last_checkpoint_ < kCheckpointInterval) return;
  last_checkpoint_ = now;
  queue_.log_->tick();
  log_notes();
}

void DiskQueue::Reader::log_notes() {
  for (std::string& note : queue_.log_->take_notes()) {
    std::uint64_t suppressed = 0;
    log::RateLimit& limit = note == last_note_ ? reminders_ : notes_;
    if (limit.allow(log::steady_ms(), suppressed))
      log::error("queue on disk needs attention",
                 {{"sink", queue_.options_.sink}, {"reason", note}, {"suppressed", suppressed}});
    last_note_ = std::move(note);
  }
}

// ---- the queue

DiskQueue::DiskQueue(Options options, FileOps& files, BlockPool& pool, FindRoute find_route)
    : options_(std::move(options)),
      files_(files),
      pool_(pool),
      find_route_(std::move(find_route)),
      reader_(std::make_unique<Reader>(*this)) {}

DiskQueue::~DiskQueue() = default;

std::unique_ptr<Sink> DiskQueue::writer() { return std::make_unique<Writer>(*this); }
BatchSource& DiskQueue::reader() noexcept { return *reader_; }

Result<void> DiskQueue::open() {
  DiskLog::Recovered recovered;
  auto opened = DiskLog::open(
      files_, options_.log, origins_, [this](std::size_t bytes) { return pool_.take(bytes); },
      recovered);
  if (!opened)
    return fail(opened.error().code,
                "sink \"" + options_.sink + "\": queue: " + opened.error().message);
  log_ = std::move(*opened);
  for (const std::string& note : recovered.notes)
    log::warn("queue", {{"sink", options_.sink}, {"note", note}});
  log::info("queue on disk", {{"sink", options_.sink},
                              {"path", directory()},
                              {"records", recovered.records},
                              {"segments", recovered.segments},
                              {"torn_bytes", recovered.torn_bytes}});
  return {};
}

void DiskQueue::undo_open() noexcept {
  if (log_) log_->undo_open();
  log_.reset();
}

DiskLog::Status DiskQueue::status() const { return log_ ? log_->status() : DiskLog::Status{}; }

Result<void> DiskQueue::close() {
  if (!log_) return {};
  reader_->count_dropped();
  return log_->close();
}

}  // namespace penstock
