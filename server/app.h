#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "server/admin/admin.h"
#include "server/config/config.h"
#include "server/files/created_paths.h"
#include "server/loop/event_loop.h"
#include "server/loop/signal.h"
#include "server/loop/timer.h"
#include "server/net/aggregate_budget.h"
#include "server/net/io_loop.h"
#include "server/net/listener.h"
#include "server/net/socket_source.h"
#include "server/pipeline/ledger.h"
#include "server/pipeline/leftover.h"
#include "server/pipeline/quarantine.h"
#include "server/served_sink.h"

namespace penstock {

/// The running server: builds the object graph and owns start and stop order. Main thread; signals and the stop's
/// timers live on the main loop, everything that is read on the I/O loops, every sink on a thread of its own.
///
/// apply() is the only way in: start is the difference from the empty configuration, stop the difference to it.
class App final : private admin::Source {
 public:
  static Result<std::unique_ptr<App>> create();
  ~App() override;

  /// From the empty configuration: binds everything, opens every sink, then listens and starts; on an error nothing was
  /// accepted and what was created is taken away again. To the empty one: begins the stop (DESIGN.md section 6), which
  /// goes on in serve(); asked a second time it skips to the end. Between two others: not yet.
  Result<void> apply(const config::Config& config);

  /// Canonical URLs of all bound sockets.
  std::vector<std::string> urls() const;

  /// Runs until the stop is over. Exit status: kExitOk everything delivered; kExitLeftOver data left over or abandoned,
  /// or a connection that had to be reset (the log says what and where).
  int serve();

 private:
  struct Served {
    std::unique_ptr<Listener> listener;
    bool acks = false;  // its protocol acknowledges
  };

  App();

  // ---- start, in this order
  Result<void> start(const config::Config& config);
  Result<void> attempt(Result<void> (App::*step)());
  void undo_start() noexcept;
  void end_loops() noexcept;
  Result<void> bind_sockets();
  Result<void> create_loops();
  Result<void> open_sinks();
  Result<void> create_listeners();
  Result<void> watch_signals();
  Result<void> start_serving();
  Result<void> bind_admin();
  Result<void> start_admin();
  Result<void> bind_url(const config::Listener& listener, const Url& url,
                        InheritedSource& inherited);
  std::vector<Route> routes_of(const config::Listener& listener);
  ServedSink* find_sink(const std::string& name);
  void wake_loops();
  void announce();

  // ---- stop, in this order
  void begin_stop();
  void skip_to_end();
  void on_drain_deadline();
  void divert_stuck_sinks();
  void on_reading_done();
  void on_everything_sealed();
  void on_flush_deadline();
  void on_hard_deadline();
  void give_up();
  void hand_on_what_was_read();
  void on_each_loop(std::function<void(IoLoop&)> work, std::function<void()> done);
  void end_sinks_without_delivery();
  void watch_sinks();
  void count_missing_of_queues();
  bool report_left_over();
  void finish();
  int report();
  bool all_delivered(const LedgerSnapshot& snapshot) const;
  std::uint64_t progress() const;
  bool is_best_effort(const RouteTotals& route) const;

  // ---- what the admin part asks, on its threads (app_status.cpp)
  Status status() const override;
  std::vector<Endpoint> endpoints() const override;
  SocketSurvey sockets(std::chrono::milliseconds wait) const override;
  std::string config_text() const override;
  bool drain() override;
  void reopen() override;
  std::vector<TapPoint*> tap_points() override;
  ListenerStatus status_of(ListenerTotals totals) const;
  MemoryStatus memory_status() const;
  void add_not_ready(Status& status) const;

  void on_signal(int number);
  void reopen_files();

  config::Config config_;
  std::string config_path_;  // absolute
  std::int64_t started_ns_ = 0;
  std::unique_ptr<EventLoop> main_;
  std::unique_ptr<Signals> signals_;

  std::map<std::string, std::vector<BoundSocket>> bound_;  // by listener, until it is created

  // Destroyed from the last to the first: loops (threads have ended) before sinks before what both point to.
  std::unique_ptr<Ledger> ledger_;
  std::unique_ptr<Quarantine> quarantine_;
  std::unique_ptr<Leftover> leftover_;
  std::shared_ptr<MemoryBudget> memory_;
  std::unique_ptr<BlockPool> pool_;
  std::unique_ptr<ConnectionBudget> connections_;
  std::unique_ptr<PartialBudget> partials_;
  std::unique_ptr<DecompressBudget> decompressors_;
  std::shared_ptr<AggregateBudget> aggregates_;
  std::vector<Served> listeners_;
  std::vector<std::unique_ptr<ServedSink>> sinks_;  // in the order of the configuration
  std::vector<std::unique_ptr<IoLoop>> loops_;

  std::optional<BoundSocket> admin_socket_;  // until it is served
  CreatedPaths admin_paths_;
  std::unique_ptr<admin::Admin> admin_;

  std::atomic<Phase> phase_{Phase::kStarting};
  bool past_drain_deadline_ = false;
  bool past_flush_deadline_ = false;
  bool gave_up_ = false;
  bool sinks_hung_ = false;
  std::uint64_t quarantine_dropped_before_ = 0;  // the drain's deadline
  std::uint64_t progress_at_last_look_ = 0;
  std::size_t listeners_draining_ = 0;
  std::map<const ServedSink*, std::uint64_t> settled_at_deadline_;
  std::unique_ptr<Timer> drain_timer_, stuck_timer_, flush_timer_, hard_timer_, sink_watch_;
};

}  // namespace penstock
