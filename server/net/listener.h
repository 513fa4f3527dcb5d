#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/net/acceptor.h"
#include "server/net/admission.h"
#include "server/net/endpoint.h"
#include "server/net/io_loop.h"
#include "server/net/listener_options.h"
#include "server/pipeline/intake.h"
#include "server/pipeline/quarantine.h"

namespace penstock {

/// One `[[listener]]`: its sockets and the connections on them, spread over the loops. Main thread, except where a
/// member says otherwise. Outlives loops and sinks, since batches point to its origins.
class Listener {
 public:
  /// `post_main` brings a task to the main loop, for drain()'s answer.
  Listener(std::shared_ptr<const ListenerOptions> options, std::vector<Route> routes,
           Ledger& ledger, Quarantine& quarantine, ConnectionBudget& budget,
           std::function<void(EventLoop::Task)> post_main);
  ~Listener();

  const ListenerOptions& options() const noexcept { return *options_; }
  std::shared_ptr<const ListenerOptions> shared_options() const noexcept { return options_; }

  /// Canonical URLs of its sockets.
  std::vector<std::string> urls() const;

  /// Its sockets, for whoever asks the kernel about them. Any thread once start() was called.
  const std::vector<Endpoint>& endpoints() const noexcept { return endpoints_; }

  /// Takes a bound socket into the listener; nothing is accepted yet. URLs for the log.
  void add_socket(BoundSocket socket);
  /// listen(2) on all that listen. After it peers can connect, so everything else must be ready.
  Result<void> start_listening();
  /// Gives each socket to a loop. The loops run already, or will.
  void start(const std::vector<IoLoop*>& loops, BlockPool& pool, bool tracks_completion);

  /// Takes nothing new, reads what is there, ends its connections (DESIGN.md section 6); `done` is called on the main loop
  /// when no socket and no connection is left, and what was aggregated is written. Called again: each `done` is called once.
  void drain(std::function<void()> done);
  /// While draining: reading ends now; frozen receive buffers are still read.
  void at_deadline();
  /// While draining: acknowledgements that are still open are given up.
  void at_flush_deadline();

  // Any loop.
  /// drain() was called; the loops hear of it one after the other.
  bool draining() const noexcept { return drain_asked_; }
  Admission& admission() noexcept { return admission_; }
  Quarantine& quarantine() noexcept { return quarantine_; }
  TapPoint& tap_point() noexcept { return tap_point_; }
  /// The ledger of one of its URLs.
  UrlLedger& ledger_of(const Origin& origin) noexcept { return *url_ledgers_.at(&origin); }
  /// Hands an accepted connection to the least busy loop. `here` is the accepting loop's share.
  void deal_out(Accepted accepted, ListenerShare& here);
  void one_began() noexcept { outstanding_.fetch_add(1); }
  void one_ended();

 private:
  struct Bound {
    BoundSocket socket;
    const Origin* origin;
  };
  template <class Call>
  void on_each_loop(Call&& call);
  void start_flushing();
  void answer_when_drained();
  void finish();
  void answer();

  std::shared_ptr<const ListenerOptions> options_;
  std::vector<Route> routes_;
  Ledger& ledger_;
  Quarantine& quarantine_;
  TapPoint tap_point_;
  Admission admission_;
  std::function<void(EventLoop::Task)> post_main_;
  std::deque<Origin> origins_;  // addresses stay: batches point to them
  Origin flush_origin_;         // of records that flushes make
  std::map<const Origin*, UrlLedger*> url_ledgers_;
  std::vector<Endpoint> endpoints_;
  std::vector<Bound> bound_;  // until start()
  std::vector<IoLoop*> loops_;
  std::vector<ListenerShare*> shares_;  // by loop; owned by the loops
  std::atomic<std::size_t> outstanding_{
      0};  // sockets and connections that are open or on their way
  std::vector<std::function<void()>> done_;
  enum class Flush : std::uint8_t { kToCome, kAsked, kDone };
  Flush last_flush_ = Flush::kDone;  // where there is an aggregate, from start() on: kToCome
  std::atomic<bool> drain_asked_{false};
};

}  // namespace penstock
