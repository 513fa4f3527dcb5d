#include "server/app.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <thread>

#include "protocols/table.h"
#include "server/listener_setup.h"
#include "server/log/log.h"
#include "server/log/sd_notify.h"
#include "server/net/kernel.h"
#include "server/net/socket_source.h"
#include "server/sinks/make.h"

namespace penstock {
namespace {

using std::chrono::milliseconds;

/// Unfinished frames may take this part of server.memory (DESIGN.md section 5).
constexpr std::size_t kPartialShare = 4;
/// Descriptors kept back from connections, for sinks, refusals and what libraries open.
constexpr std::size_t kMinReserve = 8;
constexpr std::size_t kMaxReserve = 512;
constexpr std::size_t kReserveShare = 8;
constexpr std::size_t kMaxRefusals = 256;
/// A sink whose gate is shut at the deadline gets this long to show that it still moves.
constexpr milliseconds kStuckAfter{250};
/// How long nothing may move after flush_timeout before what is left is given up. While the leftover file grows the stop
/// goes on: everything in it would be lost otherwise.
constexpr milliseconds kStandstill{2000};
/// What a healthy sink thread needs at most to write the last full queue to the leftover file.
constexpr std::chrono::seconds kLastWrites{2};
constexpr milliseconds kSinkWatch{10};

unsigned loop_count(unsigned configured) {
  return configured != 0 ? configured : std::max(1u, std::thread::hardware_concurrency());
}

std::size_t descriptors_in_use() {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error); !error && it != std::filesystem::directory_iterator(); it.increment(error)) ++count;
  return count;
}

}  // namespace

App::App() = default;

App::~App() {
  for (auto& loop : loops_) {
    if (loops_running_) loop->stop();
    loop->join();
  }
}

Result<std::unique_ptr<App>> App::create() {
  std::unique_ptr<App> app(new App);
  auto loop = EventLoop::create();
  if (!loop) return tl::unexpected(loop.error());
  app->main_ = std::move(*loop);
  return app;
}

Result<void> App::apply(const config::Config& config) {
  if (config.listeners.empty()) {
    if (phase_ == Phase::kServing) begin_stop();
    else if (phase_ == Phase::kReading || phase_ == Phase::kFlushing) skip_to_end();
    return {};
  }
  if (phase_ != Phase::kEmpty) return fail(0, "a running configuration cannot be changed");
  return start(config);
}

std::vector<std::string> App::urls() const {
  std::vector<std::string> all;
  for (const Served& served : listeners_) {
    for (std::string& url : served.listener->urls()) all.push_back(std::move(url));
  }
  return all;
}

int App::serve() {
  main_->run();
  return report();
}

// ---- start --------------------------------------------------------------------------------------------------------

Result<void> App::start(const config::Config& config) {
  config_ = config;
  kernel::raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);  // a peer or reader that has gone is EPIPE
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is EFBIG
  ledger_ = std::make_unique<Ledger>(loop_count(config_.server.threads));
  partials_ = std::make_unique<PartialBudget>(config_.server.memory_bytes / kPartialShare);
  // Sockets first: they leave nothing behind when a later step fails. Nobody can connect before start_serving().
  for (auto step : {&App::bind_sockets, &App::create_loops, &App::open_sinks, &App::create_listeners, &App::watch_signals,
                    &App::start_serving}) {
    if (auto done = (this->*step)(); !done) return done;
  }
  phase_ = Phase::kServing;
  announce();
  return {};
}

Result<void> App::bind_sockets() {
  auto inherited = InheritedSource::from_environment();
  if (!inherited) return tl::unexpected(inherited.error());
  for (const config::Listener& listener : config_.listeners) {
    for (const config::ListenUrl& entry : listener.listen) {
      const auto url = parse_url(entry.url);
      if (!url) return tl::unexpected(url.error());
      if (auto bound = bind_url(listener, *url, *inherited); !bound) return bound;
    }
  }
  for (const std::string& url : inherited->unclaimed()) log::warn("inherited socket is of no listener, closing it", {{"url", url}});
  return {};
}

/// Inherited sockets are preferred to new ones.
Result<void> App::bind_url(const config::Listener& listener, const Url& url, InheritedSource& inherited) {
  BindSource bind;
  const BindOptions options = make_bind_options(listener);
  auto sockets = inherited.open(url, options);
  if (sockets && sockets->empty()) sockets = bind.open(url, options);
  if (!sockets) return tl::unexpected(sockets.error());
  for (BoundSocket& socket : *sockets) {
    if (socket.receive_buffer_bytes < options.receive_buffer_bytes) {
      log::warn("receive buffer smaller than asked",
                {{"listener", listener.name}, {"url", socket.url}, {"asked", options.receive_buffer_bytes},
                 {"effective", socket.receive_buffer_bytes}, {"limit", "net.core.rmem_max"}});
    }
    bound_[listener.name].push_back(std::move(socket));
  }
  return {};
}

Result<void> App::create_loops() {
  // The budget's limits are known only when everything else is open; loops keep a reference.
  const std::size_t limit = kernel::raise_descriptor_limit();
  const std::size_t reserve = std::clamp(limit / kReserveShare, kMinReserve, kMaxReserve);
  const unsigned loops = loop_count(config_.server.threads);
  constexpr std::size_t kDescriptorsPerLoop = 3;   // epoll, its wake-up, one to spare
  const std::size_t fixed = descriptors_in_use() + loops * kDescriptorsPerLoop + config_.sinks.size() * 2;
  const std::size_t available = limit > fixed + reserve ? limit - fixed - reserve : 1;
  std::size_t wanted = config_.server.max_connections;
  if (wanted > available) {
    log::warn("server.max_connections exceeds what the descriptor limit allows",
              {{"asked", wanted}, {"allowed", available}, {"descriptors", limit}});
  }
  wanted = wanted == 0 ? available : std::min(wanted, available);
  connections_ = std::make_unique<ConnectionBudget>(wanted, std::min(kMaxRefusals, std::max<std::size_t>(1, reserve / 2)));

  const IoContext context{*connections_, *partials_,
                          {config_.server.drain_quiet, config_.server.at_deadline == config::AtDeadline::kReset}};
  for (unsigned i = 0; i < loops; ++i) {
    auto loop = IoLoop::create(i, context);
    if (!loop) return tl::unexpected(loop.error());
    loops_.push_back(std::move(*loop));
  }
  return {};
}

Result<void> App::open_sinks() {
  auto quarantine = Quarantine::open(config_.quarantine.path, config_.quarantine.max_bytes);
  if (!quarantine) return tl::unexpected(quarantine.error());
  quarantine_ = std::move(*quarantine);
  for (const config::Sink& sink : config_.sinks) {
    // When a gate opens, every loop looks at those it has parked.
    auto wake_loops = [this] {
      for (auto& loop : loops_) loop->post([loop = loop.get()] { loop->parked().resume_all(); });
    };
    sinks_.push_back(std::make_unique<SinkRunner>(sink.name, make_sink(sink), sink.queue.max_bytes, *quarantine_, wake_loops));
    if (auto opened = sinks_.back()->open(); !opened) return opened;
  }
  return {};
}

SinkRunner* App::find_sink(const std::string& name) {
  const auto found = std::find_if(sinks_.begin(), sinks_.end(), [&](const auto& sink) { return sink->name() == name; });
  return found == sinks_.end() ? nullptr : found->get();
}

std::vector<Route> App::routes_of(const config::Listener& listener) {
  std::vector<Route> routes;
  const auto add = [&](const std::string& name, bool required) {
    SinkRunner* sink = find_sink(name);
    if (sink == nullptr) return;  // the checks have refused such a file
    const auto config = std::find_if(config_.sinks.begin(), config_.sinks.end(), [&](const auto& s) { return s.name == name; });
    const bool drops = !required || config->queue.when_full == config::WhenFull::kDropNewest;
    routes.push_back({&sink->queue(), &ledger_->route(listener.name, name), required, drops});
  };
  for (const std::string& name : listener.sinks) add(name, true);
  for (const std::string& name : listener.best_effort_sinks) add(name, false);
  return routes;
}

Result<void> App::create_listeners() {
  for (const config::Listener& from : config_.listeners) {
    const ProtocolInfo* protocol = find_protocol(from.protocol);
    if (protocol == nullptr) return fail(0, "listener \"" + from.name + "\": unknown protocol \"" + from.protocol + '"');
    auto listener = std::make_unique<Listener>(make_listener_options(from, *protocol), routes_of(from),
                                               ledger_->listener(from.name), *quarantine_, *connections_,
                                               [this](EventLoop::Task task) { main_->post(std::move(task)); });
    for (BoundSocket& socket : bound_[from.name]) listener->add_socket(std::move(socket));
    listeners_.push_back({std::move(listener), protocol->acks});
  }
  bound_.clear();
  return {};
}

Result<void> App::watch_signals() {
  auto signals = Signals::watch(*main_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1}, [this](int number) { on_signal(number); });
  if (!signals) return tl::unexpected(signals.error());
  signals_ = std::move(*signals);
  return {};
}

Result<void> App::start_serving() {
  // Peers can connect from here on; they wait in the queue. A URL that turns out to be taken ends the start.
  for (Served& served : listeners_) {
    if (auto listening = served.listener->start_listening(); !listening) return listening;
  }
  for (auto& sink : sinks_) sink->start();
  std::vector<IoLoop*> loops;
  for (auto& loop : loops_) {
    loop->start();
    loops.push_back(loop.get());
  }
  loops_running_ = true;
  for (Served& served : listeners_) served.listener->start(loops, pool_, served.acks);
  return {};
}

void App::announce() {
  for (const Served& served : listeners_) {
    for (const std::string& url : served.listener->urls()) log::info("listening", {{"listener", served.listener->options().name}, {"url", url}});
  }
  log::info("ready", {{"listeners", listeners_.size()}, {"sinks", sinks_.size()}, {"threads", loops_.size()},
                      {"max_connections", connections_->limit()}, {"pid", getpid()}});
  sd_notify("READY=1");
}

void App::on_signal(int number) {
  if (number == SIGHUP || number == SIGUSR1) {
    log::info("reopening files", {{"signal", number == SIGHUP ? "SIGHUP" : "SIGUSR1"}});
    for (auto& sink : sinks_) sink->sink().request_reopen();
    return;
  }
  log::info(phase_ == Phase::kServing ? "stopping" : "another signal, skipping to the end",
            {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (void)apply(config::Config{});
}

// ---- stop ---------------------------------------------------------------------------------------------------------
//
// reading:  listeners take nothing new and read to the end          until all are done, at the latest drain_timeout
// flushing: sinks deliver what is queued, acknowledgements go out   at the latest flush_timeout later
// then what no required sink has goes to the leftover file, and the ledger to the log.

void App::begin_stop() {
  phase_ = Phase::kReading;
  quarantine_dropped_before_stop_ = quarantine_->dropped();
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
  if (past_flush_deadline_) return give_up();
  if (!past_drain_deadline_ && phase_ == Phase::kReading) on_drain_deadline();
  on_flush_deadline();
}

std::uint64_t App::settled_events(const SinkRunner& sink) const {
  std::uint64_t settled = 0;
  for (const RouteTotals& route : ledger_->snapshot().routes) {
    if (route.sink != sink.name()) continue;
    settled += route.delivered;
    for (const std::uint64_t lost : route.lost) settled += lost;
  }
  return settled;
}

std::uint64_t App::settled_events() const {
  std::uint64_t settled = 0;
  for (const auto& sink : sinks_) settled += settled_events(*sink);
  return settled;
}

void App::on_drain_deadline() {
  if (past_drain_deadline_) return;
  past_drain_deadline_ = true;
  drain_timer_->stop();
  log::info("drain_timeout reached", {{"listeners", listeners_draining_}});
  for (Served& served : listeners_) served.listener->at_deadline();
  for (auto& sink : sinks_) settled_at_deadline_[sink.get()] = settled_events(*sink);
  stuck_timer_->start_once(kStuckAfter);
  if (!flush_timer_->running()) flush_timer_->start_once(config_.server.flush_timeout);
}

/// A shut gate whose sink does not move would keep frozen receive buffers unread for ever: its queue goes to the
/// leftover file, the gate opens, and they are read through the normal path.
void App::divert_stuck_sinks() {
  for (auto& sink : sinks_) {
    if (sink->queue().open() || sink->diverted() || settled_events(*sink) != settled_at_deadline_[sink.get()]) continue;
    log::error("sink does not take its data, writing it to the leftover file", {{"sink", sink->name()}});
    quarantine_->start_leftover();
    sink->divert();
  }
}

void App::on_reading_done() {
  if (phase_ != Phase::kReading || gave_up_) return;
  phase_ = Phase::kFlushing;
  drain_timer_->stop();
  if (!flush_timer_->running()) flush_timer_->start_once(config_.server.flush_timeout);
  loops_sealing_ = loops_.size();
  for (auto& loop : loops_) {
    loop->post([this, loop = loop.get()] {
      loop->seal_all();
      main_->post([this] {
        if (--loops_sealing_ == 0) on_everything_sealed();
      });
    });
  }
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
  if (std::all_of(sinks_.begin(), sinks_.end(), [&](auto& sink) { return sink->join_until(now); })) finish();
}

void App::on_flush_deadline() {
  if (past_flush_deadline_) return;
  past_flush_deadline_ = true;
  flush_timer_->stop();
  quarantine_->start_leftover();
  for (Served& served : listeners_) served.listener->at_flush_deadline();
  for (auto& sink : sinks_) {
    if (sink->diverted() || sink->join_until(std::chrono::steady_clock::now())) continue;
    if (sink->queue().fill_bytes() != 0) log::error("flush_timeout reached, writing what is left to the leftover file", {{"sink", sink->name()}});
    sink->divert();
  }
  settled_at_last_look_ = settled_events();
  hard_timer_->start_once(kStandstill);
}

void App::on_hard_deadline() {
  const std::uint64_t settled = settled_events();
  if (settled == settled_at_last_look_) return give_up();
  settled_at_last_look_ = settled;
  hard_timer_->start_once(kStandstill);
}

/// Nothing moves any more. Connections that are left close with what is unread, counted as abandoned; what was read
/// still goes to the leftover file.
void App::give_up() {
  if (gave_up_ || phase_ == Phase::kEnded) return;
  gave_up_ = true;
  hard_timer_->stop();
  log::error("giving up on what is left");
  loops_sealing_ = loops_.size();
  for (auto& loop : loops_) {
    loop->post([this, loop = loop.get()] {
      loop->abandon_all();
      loop->seal_all();
      main_->post([this] {
        if (--loops_sealing_ == 0) end_sinks_without_delivery();
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
    log::error("sink hangs, its queue goes to the leftover file", {{"sink", sink->name()}});
    sinks_hung_ = true;
    sink->abandon_hung_thread();
  }
  finish();
}

void App::finish() {
  if (phase_ == Phase::kEnded) return;
  phase_ = Phase::kEnded;
  for (auto& timer : {&drain_timer_, &stuck_timer_, &flush_timer_, &hard_timer_, &sink_watch_}) (*timer)->stop();
  main_->stop();
}

bool App::is_best_effort(const RouteTotals& route) const {
  const auto listener = std::find_if(config_.listeners.begin(), config_.listeners.end(), [&](const auto& l) { return l.name == route.listener; });
  if (listener == config_.listeners.end()) return false;
  const auto& names = listener->best_effort_sinks;
  return std::find(names.begin(), names.end(), route.sink) != names.end();
}

int App::report() {
  for (auto& loop : loops_) {
    loop->stop();
    loop->join();
  }
  loops_running_ = false;
  quarantine_->close();
  const LedgerSnapshot snapshot = ledger_->snapshot();
  log_ledger(snapshot);

  bool clean = !sinks_hung_;
  for (const auto& sink : sinks_) clean = clean && !sink->close_failed();
  for (const RouteTotals& route : snapshot.routes) {
    if (is_best_effort(route)) continue;
    const auto lost = [&](RouteLoss why) { return route.lost[static_cast<std::size_t>(why)]; };
    clean = clean && lost(RouteLoss::kFailed) == 0 && lost(RouteLoss::kLeftover) == 0 && lost(RouteLoss::kAbandoned) == 0;
  }
  for (const ListenerTotals& listener : snapshot.listeners) {
    const auto ended = [&](ConnectionEnd how) { return listener.ended[static_cast<std::size_t>(how)]; };
    clean = clean && ended(ConnectionEnd::kUnfrozen) == 0 && ended(ConnectionEnd::kResetByUs) == 0 &&
            ended(ConnectionEnd::kAbandoned) == 0 && listener.active == 0;
  }
  const std::uint64_t dropped = quarantine_->dropped() - quarantine_dropped_before_stop_;
  if (dropped != 0) log::error("tails and refused records did not fit into the quarantine", {{"entries", dropped}});
  clean = clean && dropped == 0;
  const std::string leftover = quarantine_->leftover_path();
  if (!leftover.empty()) log::error("data left over", {{"file", leftover}, {"records", quarantine_->leftover()}, {"replay", "penstock send URL --replay " + leftover}});
  if (clean) log::info("stopped, everything delivered");
  else log::error("stopped, not everything was delivered");
  const int status = clean ? 0 : 3;
  if (sinks_hung_) std::_Exit(status);  // a thread is left behind in the kernel
  return status;
}

}  // namespace penstock
