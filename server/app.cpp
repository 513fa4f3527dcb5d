#include "server/app.h"

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <system_error>
#include <thread>

#include "protocols/core/errno_text.h"
#include "protocols/table.h"
#include "server/config/expand.h"
#include "server/config/forward_secrets.h"
#include "server/listener_setup.h"
#include "server/log/log.h"
#include "server/log/sd_notify.h"
#include "server/log/wall_clock.h"
#include "server/net/kernel.h"
#include "server/net/socket_source.h"
#include "server/pipeline/heap.h"

// Start, in the order of start(). The stop: app_stop.cpp.
namespace penstock {
namespace {

/// Unfinished frames may take this part of server.memory (DESIGN.md section 5).
constexpr std::size_t kPartialShare = 4;
/// Decompressors may take this part of it.
constexpr std::size_t kDecompressShare = 4;
/// Aggregates may take this part of it.
constexpr std::size_t kAggregateShare = 4;
/// Descriptors kept back from connections, for sinks, refusals and what libraries open.
constexpr std::size_t kMinReserve = 8;
constexpr std::size_t kMaxReserve = 512;
constexpr std::size_t kReserveShare = 8;
constexpr std::size_t kMaxRefusals = 256;
/// What the admin address opens once connections have all the others: its own four, two to ask the kernel, six of those
/// who look.
constexpr std::size_t kAdminDescriptors = 12;

unsigned loop_count(unsigned configured) {
  return configured != 0 ? configured : std::max(1u, std::thread::hardware_concurrency());
}

std::size_t descriptors_in_use() {
  std::error_code error;
  std::size_t count = 0;
  for (auto it = std::filesystem::directory_iterator("/proc/self/fd", error);
       !error && it != std::filesystem::directory_iterator(); it.increment(error))
    ++count;
  return count;
}

std::string absolute_path(const std::string& path) {
  std::error_code error;
  const auto absolute = std::filesystem::absolute(path, error);
  return error ? path : absolute.lexically_normal().string();
}

void log_groups(const std::string& listener, const BoundSocket& socket) {
  for (const JoinedGroup& group : socket.groups) {
    log::info("joined multicast group",
              {{"listener", listener}, {"url", socket.url}, {"group", group.text}});
    if (group.trouble.empty()) continue;
    log::warn("multicast may not arrive",
              {{"listener", listener}, {"group", group.text}, {"why", group.trouble}});
  }
}

}  // namespace

App::App() = default;

App::~App() {
  admin_.reset();
  end_loops();
}

void App::end_loops() noexcept {
  for (auto& loop : loops_) {
    loop->stop();
    loop->join();
  }
  if (memory_) memory_->disconnect();
  if (decompressors_) decompressors_->disconnect();
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
    if (phase_ == Phase::kServing)
      begin_stop();
    else if (phase_ == Phase::kReading || phase_ == Phase::kFlushing)
      skip_to_end();
    return {};
  }
  if (phase_ != Phase::kStarting) return fail(0, "a running configuration cannot be changed");
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
  config_path_ = absolute_path(config.file);
  started_ns_ = wall_clock_ns();
  kernel::raise_descriptor_limit();
  std::signal(SIGPIPE, SIG_IGN);  // a peer or reader that has gone is EPIPE
  std::signal(SIGXFSZ, SIG_IGN);  // a file size limit is EFBIG
  std::signal(SIGIO, SIG_IGN);    // a lease that a file sink holds for a moment is broken
  ledger_ = std::make_unique<Ledger>(loop_count(config_.server.threads));
  configure_heap();
  memory_ = std::make_shared<MemoryBudget>(config_.server.memory_bytes, [this] { wake_loops(); });
  pool_ = std::make_unique<BlockPool>(BlockPool::kKeepBytes, memory_);
  partials_ = std::make_unique<PartialBudget>(
      config_.server.memory_bytes / kPartialShare + PartialBudget::kReadAheadBytes, memory_);
  decompressors_ = std::make_unique<DecompressBudget>(
      config_.server.memory_bytes / kDecompressShare, [this] { wake_loops(); }, memory_);
  aggregates_ =
      std::make_shared<AggregateBudget>(config_.server.memory_bytes / kAggregateShare, memory_);
  // Signals first: one that comes during the start is a stop after it. Then sockets: they leave nothing behind when a
  // later step fails, and nobody can connect before start_serving().
  for (auto step :
       {&App::watch_signals, &App::bind_sockets, &App::create_loops, &App::open_sinks,
        &App::create_listeners, &App::bind_admin, &App::start_admin, &App::start_serving}) {
    if (auto done = attempt(step); !done) {
      undo_start();
      return done;
    }
  }
  phase_ = Phase::kServing;
  announce();
  return {};
}

/// A thread that cannot be made (a limit on processes or memory) ends the start like any other failure.
Result<void> App::attempt(Result<void> (App::*step)()) {
  try {
    return (this->*step)();
  } catch (const std::system_error& error) {
    return fail(error.code().value(),
                std::string("cannot start a thread: ") + errno_text(error.code().value()));
  }
}

/// Ends the threads that run already and takes back the empty files and directories that the start has created, the
/// newest first.
void App::undo_start() noexcept {
  admin_.reset();
  admin_socket_.reset();
  admin_paths_.remove();
  end_loops();
  for (auto& sink : sinks_) {
    sink->finish();
    if (sink->join_until(std::chrono::steady_clock::now())) continue;
    sink->divert();  // what a queue on disk or an earlier stop has for it stays there
    sink->join_until(std::chrono::steady_clock::now() + std::chrono::hours(1));
  }
  for (auto sink = sinks_.rbegin(); sink != sinks_.rend(); ++sink) (*sink)->undo_open();
  if (quarantine_) quarantine_->undo_open();
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
  for (const std::string& url : inherited->unclaimed())
    log::warn("inherited socket is of no listener, closing it", {{"url", url}});
  return {};
}

/// Inherited sockets are preferred to new ones.
Result<void> App::bind_url(const config::Listener& listener, const Url& url,
                           InheritedSource& inherited) {
  BindSource bind;
  const BindOptions options = make_bind_options(listener);
  auto sockets = inherited.open(url, options);
  if (sockets && sockets->empty()) sockets = bind.open(url, options);
  if (!sockets) return tl::unexpected(sockets.error());
  for (BoundSocket& socket : *sockets) {
    if (socket.receive_buffer_bytes < options.receive_buffer_bytes) {
      log::warn("receive buffer smaller than asked", {{"listener", listener.name},
                                                      {"url", socket.url},
                                                      {"asked", options.receive_buffer_bytes},
                                                      {"effective", socket.receive_buffer_bytes},
                                                      {"limit", "net.core.rmem_max"}});
    }
    log_groups(listener.name, socket);
    bound_[listener.name].push_back(std::move(socket));
  }
  return {};
}

Result<void> App::create_loops() {
  // The budget's limits are known only when everything else is open; loops keep a reference.
  const std::size_t limit = kernel::raise_descriptor_limit();
  const std::size_t reserve = std::clamp(limit / kReserveShare, kMinReserve, kMaxReserve);
  const unsigned loops = loop_count(config_.server.threads);
  constexpr std::size_t kDescriptorsPerLoop = 3;  // epoll, its wake-up, one to spare
  const std::size_t fixed = descriptors_in_use() + loops * kDescriptorsPerLoop +
                            config_.sinks.size() * 2 +
                            (config_.admin.listen == config::Admin::kOff ? 0 : kAdminDescriptors);
  const std::size_t available = limit > fixed + reserve ? limit - fixed - reserve : 1;
  const std::size_t wanted = config_.server.max_connections;
  if (wanted > available) {
    log::warn("server.max_connections exceeds what the descriptor limit allows",
              {{"asked", wanted}, {"allowed", available}, {"descriptors", limit}});
  }
  const bool asked_for = wanted != 0 && wanted <= available;
  connections_ = std::make_unique<ConnectionBudget>(
      asked_for ? wanted : available, std::min(kMaxRefusals, std::max<std::size_t>(1, reserve / 2)),
      asked_for ? ConnectionBudget::Beyond::kRefuse : ConnectionBudget::Beyond::kWait);

  const IoContext context{
      *connections_,
      *partials_,
      *decompressors_,
      {config_.server.drain_quiet, config_.server.at_deadline == config::AtDeadline::kReset}};
  for (unsigned i = 0; i < loops; ++i) {
    auto loop = IoLoop::create(i, context, ledger_->loop(i));
    if (!loop) return tl::unexpected(loop.error());
    loops_.push_back(std::move(*loop));
  }
  return {};
}

Result<void> App::open_sinks() {
  auto quarantine = Quarantine::open(config_.quarantine.path, config_.quarantine.max_bytes);
  if (!quarantine) return tl::unexpected(quarantine.error());
  quarantine_ = std::move(*quarantine);
  leftover_ = std::make_unique<Leftover>(config_.quarantine.path, system_files());
  warn_of_other_leftovers(config_.quarantine.path, [this](const std::string& name) {
    return std::any_of(config_.sinks.begin(), config_.sinks.end(),
                       [&](const config::Sink& sink) { return sink.name == name; });
  });
  const ServedSink::Shared shared{*pool_, *ledger_, *quarantine_, *leftover_};
  for (const config::Sink& sink : config_.sinks) {
    sinks_.push_back(std::make_unique<ServedSink>(sink, config_.quarantine.path, shared,
                                                  [this] { wake_loops(); }));
    if (auto opened = sinks_.back()->open(); !opened) return opened;
  }
  return {};
}

/// A gate has opened, a sink's or the memory budget's: every loop looks at those it has parked. Any thread.
void App::wake_loops() {
  for (auto& loop : loops_) loop->post([loop = loop.get()] { loop->parked().resume_all(); });
}

ServedSink* App::find_sink(const std::string& name) {
  const auto found = std::find_if(sinks_.begin(), sinks_.end(),
                                  [&](const auto& sink) { return sink->name() == name; });
  return found == sinks_.end() ? nullptr : found->get();
}

std::vector<Route> App::routes_of(const config::Listener& listener) {
  std::vector<Route> routes;
  const auto add = [&](const std::string& name, bool required) {
    ServedSink* sink = find_sink(name);
    if (sink == nullptr) return;  // the checks have refused such a file
    const auto config = std::find_if(config_.sinks.begin(), config_.sinks.end(),
                                     [&](const auto& s) { return s.name == name; });
    // A queue on disk has its own way of being full; the one in memory before it then waits.
    const bool drops = !required || (config->queue.type == config::QueueType::kMemory &&
                                     config->queue.when_full == config::WhenFull::kDropNewest);
    routes.push_back({&sink->queue(), &ledger_->route(listener.name, name), required, drops});
  };
  for (const std::string& name : listener.sinks) add(name, true);
  for (const std::string& name : listener.best_effort_sinks) add(name, false);
  return routes;
}

Result<void> App::create_listeners() {
  for (config::Listener& from : config_.listeners) {
    const ProtocolInfo* protocol = find_protocol(from.protocol);
    if (protocol == nullptr)
      return fail(0, "listener \"" + from.name + "\": unknown protocol \"" + from.protocol + '"');
    auto secrets = config::read_forward_secrets(from.of_protocol.forward);
    if (!secrets)
      return fail(secrets.error().code,
                  "listener \"" + from.name + "\": " + secrets.error().message);
    from.of_protocol.forward.secrets = std::move(*secrets);
    auto listener = std::make_unique<Listener>(
        make_listener_options(from, config_.sinks, *protocol, aggregates_), routes_of(from),
        *ledger_, *quarantine_, *connections_,
        [this](EventLoop::Task task) { main_->post(std::move(task)); });
    for (BoundSocket& socket : bound_[from.name]) listener->add_socket(std::move(socket));
    listeners_.push_back({std::move(listener), protocol->acks});
  }
  bound_.clear();
  return {};
}

/// The default address is a service of ours that nobody asked for: where it cannot be had the server goes without.
Result<void> App::bind_admin() {
  const config::Admin& admin = config_.admin;
  if (admin.listen == config::Admin::kOff) return {};
  const auto url = parse_url(admin.listen);
  if (!url) return tl::unexpected(url.error());
  const std::string lock = lock_path(url->path);
  std::error_code error;
  const bool lock_is_new = is_unix(url->scheme) && !std::filesystem::exists(lock, error);
  if (admin.is_default())
    (void)make_directories(std::filesystem::path(url->path).parent_path(), &admin_paths_);
  auto sockets = BindSource().open(*url, {});
  if (sockets) {
    admin_socket_ = std::move(sockets->front());
    if (lock_is_new) admin_paths_.add(lock);
    return {};
  }
  if (!admin.is_default()) return fail(sockets.error().code, "admin: " + sockets.error().message);
  log::warn("no admin address", {{"why", sockets.error().message}, {"setting", "admin.listen"}});
  return {};
}

Result<void> App::start_admin() {
  if (!admin_socket_) return {};
  std::string token;
  if (!config_.admin.token_file.empty()) {
    auto read = config::read_secret(config_.admin.token_file);
    if (!read) return fail(read.error().code, "admin: token_file: " + read.error().message);
    token = std::move(*read);
  }
  auto admin = admin::Admin::start(std::move(*admin_socket_), std::move(token), *this);
  admin_socket_.reset();
  if (!admin) return fail(admin.error().code, "admin: " + admin.error().message);
  admin_ = std::move(*admin);
  return {};
}

Result<void> App::watch_signals() {
  auto signals = Signals::watch(*main_, {SIGTERM, SIGINT, SIGHUP, SIGUSR1},
                                [this](int number) { on_signal(number); });
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
  for (Served& served : listeners_) served.listener->start(loops, *pool_, served.acks);
  return {};
}

void App::announce() {
  for (const Served& served : listeners_) {
    for (const std::string& url : served.listener->urls())
      log::info("listening", {{"listener", served.listener->options().name}, {"url", url}});
  }
  if (admin_) log::info("admin", {{"url", admin_->url()}});
  log::info("ready", {{"listeners", listeners_.size()},
                      {"sinks", sinks_.size()},
                      {"threads", loops_.size()},
                      {"max_connections", connections_->limit()},
                      {"pid", getpid()}});
  sd_notify("READY=1");
}

void App::reopen_files() {
  for (auto& sink : sinks_) sink->delivery().sink().request_reopen();
}

void App::on_signal(int number) {
  if (number == SIGHUP || number == SIGUSR1) {
    log::info("reopening files", {{"signal", number == SIGHUP ? "SIGHUP" : "SIGUSR1"}});
    reopen_files();
    return;
  }
  log::info(phase_ == Phase::kServing ? "stopping" : "another signal, skipping to the end",
            {{"signal", number == SIGTERM ? "SIGTERM" : "SIGINT"}});
  (void)apply(config::Config{});
}

}  // namespace penstock
