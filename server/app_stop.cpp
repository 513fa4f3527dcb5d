#include <algorithm>
#include <cstdlib>

#include "server/app.h"
#include "server/exit_status.h"
#include "server/log/log.h"
#include "server/log/sd_notify.h"

// The stop (DESIGN.md section 6), in its order:
//   reading:  listeners take nothing new and read to the end          until all are done, at the latest drain_timeout
//   flushing: sinks deliver what is queued, acknowledgements go out   at the latest flush_timeout later
//   then what no required sink has is left over for the next start, and the ledger goes to the log.
namespace penstock {
namespace {

using std::chrono::milliseconds;

/// A sink whose gate is shut at the deadline gets this long to show that it still moves: half of the default
/// flush_timeout, since an answer of a loaded cluster takes its time.
constexpr milliseconds kStuckAfter{1000};
/// How long nothing may move after flush_timeout before what is left is given up. While what is left over
/// grows the stop goes on: it would be lost otherwise.
constexpr milliseconds kStandstill{2000};
/// What a healthy sink thread needs at most to write the last full queue to what is left over.
constexpr std::chrono::seconds kLastWrites{2};
/// How often it is looked whether the sinks' threads have ended.
constexpr milliseconds kSinkWatch{10};

}  // namespace

void App::begin_stop() {
  phase_ = Phase::kReading;
  quarantine_->wait_for_room();
  sd_notify("STOPPING=1");
  drain_timer_ = std::make_unique<Timer>(*main_, [this] { on_drain_deadline(); });
  flush_timer_ = std::make_unique<Timer>(*main_, [this] { on_flush_deadline(); });
  stuck_timer_ = std::make_unique<Timer>(*main_, [this] { divert_stuck_sinks(); });
  hard_timer_ = std::make_unique<Timer>(*main_, [this] { on_hard_deadline(); });
  sink_watch_ = std::make_unique<Timer>(*main_, [this] { watch_sinks(); });
  drain_timer_->start_once(config_.server.drain_timeout);
  listeners_draining_ = listeners_.size();
  for (Served& served : listeners_) {
    served.listener->drain([this] {
      if (--listeners_draining_ == 0) on_reading_done();
    });
  }
}

void App::skip_to_end() {
  if (past_flush_deadline_)
    return;  // it is at the end already, which ends as soon as nothing moves
  if (!past_drain_deadline_ && phase_ == Phase::kReading) on_drain_deadline();
  on_flush_deadline();
}

/// Grows while anything moves: bytes that are read, records that leave or are left over.
std::uint64_t App::progress() const {
  std::uint64_t moved = leftover_->records();
  for (const auto& sink : sinks_) moved += sink->settled();
  for (const ListenerTotals& listener : ledger_->snapshot().listeners) moved += listener.read_bytes;
  return moved;
}

void App::on_drain_deadline() {
  if (past_drain_deadline_) return;
  past_drain_deadline_ = true;
  quarantine_dropped_before_ = quarantine_->dropped();
  drain_timer_->stop();
  log::info("drain_timeout reached", {{"listeners", listeners_draining_}});
  for (Served& served : listeners_) served.listener->at_deadline();
  for (auto& sink : sinks_) settled_at_deadline_[sink.get()] = sink->settled();
  stuck_timer_->start_once(kStuckAfter);
  if (!flush_timer_->running()) flush_timer_->start_once(config_.server.flush_timeout);
}

/// A shut gate whose sink does not move would keep frozen receive buffers unread for ever: its queue is left over for the
/// next start, the gate opens, and they are read through the normal path.
void App::divert_stuck_sinks() {
  for (auto& sink : sinks_) {
    if (sink->queue().open() || sink->intake().diverted() ||
        sink->settled() != settled_at_deadline_[sink.get()])
      continue;
    log::error("sink does not take its data, leaving it over for the next start",
               {{"sink", sink->name()}});
    sink->divert_intake();
  }
}

void App::on_reading_done() {
  if (phase_ != Phase::kReading || gave_up_) return;
  phase_ = Phase::kFlushing;
  drain_timer_->stop();
  if (!flush_timer_->running()) flush_timer_->start_once(config_.server.flush_timeout);
  on_each_loop([](IoLoop& loop) { loop.seal_all(); }, [this] { on_everything_sealed(); });
}

void App::on_everything_sealed() {
  if (gave_up_) return;
  for (auto& sink : sinks_) sink->finish();
  sink_watch_->start_every(kSinkWatch);
  watch_sinks();
}

void App::watch_sinks() {
  if (gave_up_) return;
  const auto now = std::chrono::steady_clock::now();
  if (std::all_of(sinks_.begin(), sinks_.end(), [&](auto& sink) { return sink->join_until(now); }))
    finish();
}

void App::on_flush_deadline() {
  if (past_flush_deadline_) return;
  past_flush_deadline_ = true;
  flush_timer_->stop();
  quarantine_->lift_cap();
  for (Served& served : listeners_) served.listener->at_flush_deadline();
  for (auto& sink : sinks_) {
    if (sink->delivery().diverted() || sink->join_until(std::chrono::steady_clock::now())) continue;
    if (sink->queue().fill_bytes() != 0)
      log::error("flush_timeout reached, leaving the rest over for the next start",
                 {{"sink", sink->name()}});
    sink->divert();
  }
  progress_at_last_look_ = progress();
  hard_timer_->start_once(kStandstill);
}

void App::on_hard_deadline() {
  const std::uint64_t moved = progress();
  if (moved == progress_at_last_look_) return give_up();
  progress_at_last_look_ = moved;
  hard_timer_->start_once(kStandstill);
}

/// Nothing moves any more. Connections that are left close with what is unread, counted as abandoned; what was read
/// is still left over for the next start.
void App::give_up() {
  if (gave_up_ || phase_ == Phase::kEnded) return;
  gave_up_ = true;
  hard_timer_->stop();
  log::error("giving up on what is left");
  on_each_loop([](IoLoop& loop) { loop.abandon_all(); }, [this] { hand_on_what_was_read(); });
}

void App::hand_on_what_was_read() {
  on_each_loop(
      [](IoLoop& loop) {
        loop.flush_all();
        loop.seal_all();
      },
      [this] { end_sinks_without_delivery(); });
}

/// `done` is called here when all loops have done it.
void App::on_each_loop(std::function<void(IoLoop&)> work, std::function<void()> done) {
  auto left = std::make_shared<std::size_t>(loops_.size());
  for (auto& loop : loops_) {
    loop->post([this, loop = loop.get(), work, done, left] {
      work(*loop);
      main_->post([done, left] {
        if (--*left == 0) done();
      });
    });
  }
}

/// A thread that hangs in the kernel is left behind, and its queue is written here.
void App::end_sinks_without_delivery() {
  for (auto& sink : sinks_) sink->finish();
  const auto deadline = std::chrono::steady_clock::now() + kLastWrites;
  for (auto& sink : sinks_) {
    if (sink->join_until(deadline)) continue;
    log::error("sink hangs, leaving its queue over for the next start", {{"sink", sink->name()}});
    sinks_hung_ = true;
    sink->abandon_hung_thread();
  }
  finish();
}

void App::finish() {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  for (auto& timer : {&drain_timer_, &stuck_timer_, &flush_timer_, &hard_timer_, &sink_watch_})
    (*timer)->stop();
  main_->stop();
}

bool App::is_best_effort(const RouteTotals& route) const {
  const auto listener = std::find_if(config_.listeners.begin(), config_.listeners.end(),
                                     [&](const auto& l) { return l.name == route.listener; });
  if (listener == config_.listeners.end()) return false;
  const auto& names = listener->best_effort_sinks;
  return std::find(names.begin(), names.end(), route.sink) != names.end();
}

/// No required sink lost anything, and no connection was reset, given up or left with a peer that could still write.
bool App::all_delivered(const LedgerSnapshot& snapshot) const {
  bool clean = !sinks_hung_;
  for (const auto& sink : sinks_) clean = clean && !sink->close_failed();
  for (const RouteTotals& route : snapshot.routes) {
    if (is_best_effort(route)) continue;
    const auto lost = [&](RouteLoss why) { return route.lost[static_cast<std::size_t>(why)]; };
    clean = clean && lost(RouteLoss::kFailed) == 0 && lost(RouteLoss::kLeftover) == 0 &&
            lost(RouteLoss::kAbandoned) == 0 && lost(RouteLoss::kDamaged) == 0;
  }
  for (const ListenerTotals& listener : snapshot.listeners) {
    const auto ended = [&](ConnectionEnd how) {
      return listener.ended[static_cast<std::size_t>(how)];
    };
    clean = clean && ended(ConnectionEnd::kUnfrozen) == 0 &&
            ended(ConnectionEnd::kResetByUs) == 0 && ended(ConnectionEnd::kAbandoned) == 0 &&
            listener.active == 0;
  }
  return clean;
}

/// What a queue on disk should have had and did not: it has given back all that it has.
void App::count_missing_of_queues() {
  for (const auto& sink : sinks_) {
    if (sink->disk() == nullptr || sink->disk()->status().records != 0) continue;
    for (const RouteTotals& totals : ledger_->snapshot().routes) {
      if (totals.sink != sink->name() || totals.queued == 0) continue;
      RouteLedger& route = ledger_->route(totals.listener, totals.sink);
      route.queued.fetch_sub(totals.queued, std::memory_order_relaxed);
      count_loss(route, RouteLoss::kDamaged, totals.queued);
    }
  }
}

/// True where the next start has something to deliver.
bool App::report_left_over() {
  bool any = !leftover_->close();
  for (const Leftover::Kept& kept : leftover_->kept()) {
    any = true;
    log::error("data left over, the next start delivers it",
               {{"sink", kept.sink}, {"path", kept.path}, {"records", kept.records}});
  }
  for (const auto& sink : sinks_) {
    const std::uint64_t records = sink->left_over_records();
    if (records == 0) continue;
    any = true;
    log::error("data of earlier stops is still left over, the next start goes on with it",
               {{"sink", sink->name()},
                {"path", leftover_directory(config_.quarantine.path, sink->name())},
                {"records", records}});
  }
  return any;
}

int App::report() {
  admin_.reset();  // nobody asks any more
  end_loops();
  if (!sinks_hung_) count_missing_of_queues();
  quarantine_->close();
  const LedgerSnapshot snapshot = ledger_->snapshot();
  log_ledger(snapshot);
  // What the quarantine has no room for is counted and no failure, but unfinished frames that we cut off are ours to keep.
  const std::uint64_t dropped =
      past_drain_deadline_ ? quarantine_->dropped() - quarantine_dropped_before_ : 0;
  if (dropped != 0)
    log::error("unfinished frames did not fit into the quarantine", {{"entries", dropped}});
  const bool all_taken = !report_left_over();
  const bool clean = all_delivered(snapshot) && all_taken && dropped == 0;
  if (clean)
    log::info("stopped, everything delivered");
  else
    log::error("stopped, not everything was delivered");
  signals_->ignore();
  const int status = clean ? kExitOk : kExitLeftOver;
  if (sinks_hung_) std::_Exit(status);  // a thread is left behind in the kernel
  return status;
}

}  // namespace penstock
