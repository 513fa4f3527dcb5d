#include "server/pipeline/sink_runner.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "protocols/core/check.h"
#include "server/pipeline/frame_ranges.h"
#include "server/pipeline/settlement.h"
#include "server/pipeline/signals_blocked.h"

namespace penstock {
namespace {

void name_this_thread(const std::string& name) {
  constexpr std::size_t kLongestName = 15;  // pthread_setname_np(3)
  pthread_setname_np(pthread_self(), name.substr(0, kLongestName).c_str());
}

std::vector<FrameRange> all_frames(const QueueEntry& entry) { return {{0, entry.batch->events()}}; }

std::int64_t milliseconds(std::chrono::steady_clock::duration length) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
}

}  // namespace

SinkRunner::SinkRunner(std::string name, std::unique_ptr<Sink> sink, BatchSource& source,
                       Quarantine& quarantine, Leftover& leftover, Role role)
    : name_(std::move(name)),
      sink_(std::move(sink)),
      quarantine_(quarantine),
      leftover_(leftover),
      source_(source),
      role_(role) {}

SinkRunner::~SinkRunner() { PENSTOCK_CHECK(!thread_.joinable()); }

Result<void> SinkRunner::open() { return sink_->open(); }

void SinkRunner::undo_open() noexcept {
  PENSTOCK_CHECK(!thread_.joinable());
  sink_->undo_open();
}

void SinkRunner::start() {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

// ---- the sink's thread

void SinkRunner::run() {
  name_this_thread((role_ == Role::kKeeps ? "queue " : "sink ") + name_);
  last_tick_ = Clock::now();
  while (!source_.finished() || !in_flight_.empty()) {
    if (diverted_.load()) give_up();
    take();
    write_again();
    collect();
    tick_when_due();
  }
  close_sink();
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

/// What there is, as far as the sink has room for it. Waits only while nothing else is to be done.
void SinkRunner::take() {
  while (in_flight_.size() < sink_->window() && to_write_again() == 0) {
    const bool idle = in_flight_.empty();
    std::optional<QueueEntry> entry =
        source_.pop(idle ? kTickInterval : std::chrono::milliseconds(0));
    if (!entry) return;
    if (diverted_.load()) return settle(*entry, Ending::kLeftOver, all_frames(*entry));
    in_flight_.push_back({std::move(*entry)});
    proceed(std::prev(in_flight_.end()), sink_->write(in_flight_.back().entry.batch->batch()));
    if (in_flight_.empty()) return;
  }
}

std::size_t SinkRunner::to_write_again() const noexcept {
  return static_cast<std::size_t>(std::count_if(
      in_flight_.begin(), in_flight_.end(), [](const InFlight& held) { return !held.pending; }));
}

/// What the sink has said kRetry of, oldest first, after a pause; the first that fails again ends it.
void SinkRunner::write_again() {
  const std::size_t again = to_write_again();
  if (again == 0) return;
  if (again == in_flight_.size()) {
    if (pause_until(again_at_)) pause_ = kFirstPause;  // an order came: quick again
  } else if (Clock::now() < again_at_) {
    return;
  }
  for (auto at = in_flight_.begin(); at != in_flight_.end() && !diverted_.load();) {
    if (at->pending) {
      ++at;
      continue;
    }
    const WriteStatus status = sink_->write(at->entry.batch->batch());
    at = proceed(at, status);
    if (status == WriteStatus::kRetry) return;
  }
}

/// What has become of what is pending.
void SinkRunner::collect() {
  const std::size_t again = to_write_again();
  if (again == in_flight_.size()) return;
  const bool room = again == 0 && in_flight_.size() < sink_->window();
  for (const Finished& finished : sink_->poll(room ? kPollInterval : kTickInterval)) {
    const auto found = std::find_if(
        in_flight_.begin(), in_flight_.end(),
        [&](const InFlight& held) { return &held.entry.batch->batch() == finished.batch; });
    PENSTOCK_CHECK(found != in_flight_.end() && found->pending);
    proceed(found, finished.status);
  }
}

std::deque<SinkRunner::InFlight>::iterator SinkRunner::proceed(std::deque<InFlight>::iterator at,
                                                               WriteStatus status) {
  note(status);
  at->pending = status == WriteStatus::kPending;
  if (status == WriteStatus::kPending) return std::next(at);
  if (status == WriteStatus::kRetry) {
    again_at_ = Clock::now() + pause_;
    pause_ = std::min(pause_ * 2, kLongestPause);
    return std::next(at);
  }
  if (status == WriteStatus::kDelivered) pause_ = kFirstPause;
  settle(at->entry, ending_of(status), {});
  return in_flight_.erase(at);
}

SinkRunner::Ending SinkRunner::ending_of(WriteStatus status) noexcept {
  if (status == WriteStatus::kDelivered) return Ending::kDelivered;
  return status == WriteStatus::kFull ? Ending::kDropped : Ending::kFailed;
}

void SinkRunner::note(WriteStatus status) {
  if (status == WriteStatus::kRetry || status == WriteStatus::kFailed) {
    note_trouble(status);
  } else if (status == WriteStatus::kDelivered && failing_.load()) {
    note_recovery();
  }
}

void SinkRunner::give_up() {
  for (; !in_flight_.empty(); in_flight_.pop_front()) {
    const QueueEntry& entry = in_flight_.front().entry;
    std::vector<FrameRange> undelivered = sink_->abandon(entry.batch->batch());
    if (!undelivered.empty()) {  // what was passed over on the way to there is as undelivered
      for (const Undeliverable& part : sink_->undeliverable(entry.batch->batch()))
        undelivered.push_back(part.frames);
      merge_ranges(undelivered);
    }
    settle(entry, undelivered.empty() ? Ending::kDelivered : Ending::kLeftOver, undelivered);
  }
}

/// Counts, reports, and lets the queue move on; nothing of it where the entry was seized while the sink hung.
void SinkRunner::settle(const QueueEntry& entry, Ending ending,
                        const std::vector<FrameRange>& undelivered) {
  if (!source_.claim(entry)) return;
  settled_.fetch_add(entry.batch->events(), std::memory_order_relaxed);
  switch (ending) {
    case Ending::kDelivered:
      if (role_ == Role::kKeeps)
        settle_kept(entry);
      else
        settle_delivered(entry, sink_->undeliverable(entry.batch->batch()), quarantine_);
      break;
    case Ending::kFailed: settle_failed(entry, quarantine_); break;
    case Ending::kDropped: settle_dropped(entry); break;
    case Ending::kLeftOver:
      if (source_.keep(entry)) return;
      settle_left_over(entry, undelivered, name_, leftover_);
      break;
  }
  source_.done(entry);
}

/// True when finish() or divert() ended it early.
bool SinkRunner::pause_until(Clock::time_point end) {
  std::unique_lock lock(mutex_);
  const bool ordered = changed_.wait_until(lock, end, [this] { return orders_ != orders_seen_; });
  orders_seen_ = orders_;
  return ordered;
}

void SinkRunner::tick_when_due() {
  const auto now = Clock::now();
  if (now - last_tick_ < kTickInterval) return;
  last_tick_ = now;
  sink_->tick();
}

void SinkRunner::close_sink() {
  const Result<void> closed = sink_->close();
  if (closed) return;
  close_failed_ = true;
  log::error("sink could not be closed", {{"sink", name_}, {"reason", closed.error().message}});
}

void SinkRunner::note_trouble(WriteStatus status) {
  const auto now = Clock::now();
  const bool begins = !failing_.exchange(true);
  {
    const std::lock_guard lock(mutex_);
    trouble_ = sink_->last_error();
  }
  if (diverted_.load() && status == WriteStatus::kRetry) return;  // interrupted by us
  if (begins) {
    trouble_since_ = now;
    trouble_announced_ = false;
  }
  std::uint64_t suppressed = 0;
  const bool says_so = trouble_announced_
                           ? now - last_reminder_ >= kReminder
                           : trouble_limit_.allow(milliseconds(now.time_since_epoch()), suppressed);
  if (!says_so) return;
  trouble_announced_ = true;
  last_reminder_ = now;
  log::error(status == WriteStatus::kRetry ? "sink cannot write, will try again"
                                           : "sink refuses records for good",
             {{"sink", name_},
              {"reason", sink_->last_error()},
              {"for_ms", milliseconds(now - trouble_since_)},
              {"queued_bytes", source_.fill_bytes()},
              {"suppressed", suppressed}});
}

void SinkRunner::note_recovery() {
  failing_ = false;
  if (!trouble_announced_) return;
  log::info("sink writes again",
            {{"sink", name_}, {"after_ms", milliseconds(Clock::now() - trouble_since_)}});
}

// ---- other threads

void SinkRunner::order() {
  const std::lock_guard lock(mutex_);
  ++orders_;
  changed_.notify_all();
}

std::string SinkRunner::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void SinkRunner::finish() {
  source_.finish();
  order();
}

void SinkRunner::divert() {
  diverted_ = true;
  source_.abandon();
  sink_->request_interrupt();
  order();
}

bool SinkRunner::join_until(std::chrono::steady_clock::time_point deadline) {
  if (!thread_.joinable()) return true;
  {
    std::unique_lock lock(mutex_);
    if (!changed_.wait_until(lock, deadline, [this] { return ended_; })) return false;
  }
  thread_.join();
  return true;
}

void SinkRunner::abandon_hung_thread() {
  for (const QueueEntry& entry : source_.seize()) {
    settle_left_over(entry, all_frames(entry), name_, leftover_);
    source_.done(entry);
  }
}

}  // namespace penstock
