#include "server/net/io_loop.h"

#include <pthread.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "server/net/acceptor.h"
#include "server/net/connection.h"
#include "server/net/listener_share.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kSweep{100};
constexpr std::chrono::milliseconds kStoppingSweep{20};
constexpr std::chrono::milliseconds kStoodStill{500};  // between two sweeps
constexpr std::chrono::milliseconds kSecond{1000};
constexpr int kMaxClosedForPartials = 16;

}  // namespace

Result<std::unique_ptr<IoLoop>> IoLoop::create(unsigned index, const IoContext& context,
                                               LoopCell& cell) {
  auto events = EventLoop::create();
  if (!events) return tl::unexpected(events.error());
  return std::unique_ptr<IoLoop>(new IoLoop(index, context, cell, std::move(*events)));
}

IoLoop::IoLoop(unsigned index, const IoContext& context, LoopCell& cell,
               std::unique_ptr<EventLoop> events)
    : index_(index),
      context_(context),
      cell_(cell),
      events_(std::move(events)),
      scratch_(new char[kScratchBytes]),
      partials_(context.partials),
      connections_(index) {
  events_->set_turn_end([this] { end_turn(); });
  events_->set_work_observer([this](std::uint64_t ns) { cell_.turn_ns.add(ns); });
  sweep_timer_ = std::make_unique<Timer>(*events_, [this] { sweep(); });
  sweep_timer_->start_every(kSweep);
  seal_timer_ = std::make_unique<Timer>(
      *events_, [] {});  // only wakes the loop: the turn's end does the work
  next_turn_ = std::make_unique<NextTurn>(*events_, [this] { go_on(); });
}

IoLoop::~IoLoop() {
  connections_.for_each([this](Connection& connection) { connections_.retire(connection); });
  connections_.bury();
  shares_.clear();
}

void IoLoop::start() {
  thread_ = std::thread([this] {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, nullptr);  // signals are the main loop's
    pthread_setname_np(pthread_self(), ("io " + std::to_string(index_)).c_str());
    events_->run();
  });
}

void IoLoop::stop() {
  events_->post([this] { events_->stop(); });
}

void IoLoop::join() {
  if (thread_.joinable()) thread_.join();
}

IoLoop::Load IoLoop::load() const noexcept {
  return {bytes_last_second_.load(std::memory_order_relaxed),
          expected_.load(std::memory_order_relaxed)};
}

DatagramSlots& IoLoop::slots(std::size_t slot_bytes) {
  return slots_.try_emplace(slot_bytes, slot_bytes).first->second;
}

void IoLoop::add_share(std::unique_ptr<ListenerShare> share) {
  if (share->has_timeouts()) watch_clock();
  shares_.push_back(std::move(share));
}

void IoLoop::go_on_next_turn(ConnectionId id) {
  if (going_on_.empty()) next_turn_->start();
  going_on_.push_back(id);
}

/// Each once a turn, like those that the poll reports.
void IoLoop::go_on() {
  next_turn_->stop();
  going_on_now_.swap(going_on_);
  for (const ConnectionId id : going_on_now_) {
    if (Connection* connection = connections_.find(id)) connection->go_on();
  }
  going_on_now_.clear();
}

void IoLoop::begin_refusal(ConnectionId id) {
  connection_budget().begin_refusal();
  refusals_.push_back(id);
  if (connection_budget().refusals_left()) return;
  const ConnectionId oldest = refusals_.front();
  refusals_.pop_front();
  if (Connection* connection = connections_.find(oldest)) connection->end_refusal_early();
}

void IoLoop::abandon_all() {
  connections_.for_each([](Connection& connection) { connection.abandon(); });
}

void IoLoop::flush_all() {
  for (auto& share : shares_) share->finish_flushing_now();
}

void IoLoop::seal_all() {
  for (auto& share : shares_) share->seal(now());
}

void IoLoop::hurry() {
  watch_clock();
  sweep_timer_->start_every(kStoppingSweep);
}

void IoLoop::end_turn() {
  for (Acceptor* acceptor : accepting_) acceptor->accept_turn();
  accepting_.clear();
  connections_.bury();
  cell_.connections.set(connections_.size());
  if (dirty_.empty()) return;
  const Now now = events_->now();
  still_dirty_.clear();
  for (ListenerShare* share : dirty_) {
    if (!share->end_turn(now)) still_dirty_.push_back(share);  // a batch waits for its age
  }
  dirty_.swap(still_dirty_);
  if (dirty_.empty() || seal_timer_->running()) return;
  std::chrono::milliseconds due = kSecond;
  for (ListenerShare* share : dirty_) due = std::min(due, share->seal_due(now));
  seal_timer_->start_once(due);
}

void IoLoop::sweep() {
  const Now now = events_->now();
  // Stopped, or starved of processor time: what was read before the pause may carry an old time, and what peers have
  // sent since is not here yet. Nobody is idle for that.
  if (now.monotonic - std::exchange(last_sweep_, now.monotonic) > kStoodStill)
    connections_.for_each([now](Connection& connection) { connection.begin_clock_anew(now); });
  for (auto& share : shares_) share->sweep(now);
  if (clock_watched_)
    connections_.for_each([now](Connection& connection) { connection.sweep(now); });
  // What others have grown by since the last read here. A few a sweep: each looks at all connections.
  for (int i = 0;
       i < kMaxClosedForPartials && partials_.must_close_one() && close_largest_partial(); ++i) {
  }
  if (now.monotonic - last_second_ < kSecond) return;
  last_second_ = now.monotonic;
  sweep_second();
}

void IoLoop::sweep_second() {
  bytes_last_second_.store(bytes_read_ - bytes_before_, std::memory_order_relaxed);
  bytes_before_ = bytes_read_;
  while (!refusals_.empty() && connections_.find(refusals_.front()) == nullptr)
    refusals_.pop_front();
  for (auto& share : shares_) share->sweep_second();
}

bool IoLoop::close_largest_partial() {
  Connection* largest = nullptr;
  connections_.for_each([&](Connection& connection) {
    if (largest == nullptr || connection.held_bytes() > largest->held_bytes())
      largest = &connection;
  });
  if (largest == nullptr || largest->held_bytes() == 0) return false;
  largest->close_for_partial_budget();
  return true;
}

}  // namespace penstock
