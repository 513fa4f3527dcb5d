#pragma once

#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "protocols/raw/decoder.h"
#include "server/net/io_loop.h"
#include "server/net/listener.h"
#include "server/net/listener_share.h"
#include "server/pipeline/sink_runner.h"
#include "tests/net/address_support.h"
#include "tests/net/client.h"
#include "tests/net/reorderer.h"
#include "tests/net/scripted_sink.h"
#include "tests/pipeline/queued_runner.h"

namespace penstock::test {

/// A URL of each kind to listen at: a free port, a path in the World's own folder.
inline constexpr const char* kTcp = "tcp://127.0.0.1:0";
inline constexpr const char* kTcp6 = "tcp6://[::1]:0";
inline constexpr const char* kUdp = "udp://127.0.0.1:0";
inline constexpr const char* kUnix = "unix://s";
inline constexpr const char* kGram = "unixgram://g";
inline constexpr const char* kPacket = "unixpacket://p";

/// What a test changes of the ordinary: one loop, one sink, newline framing, limits far away.
struct Setup {
  std::vector<std::string> urls;
  unsigned loops = 1;
  FramingOptions raw{};
  ListenerOptions options{};  ///< make_decoder null: the raw protocol with `raw`
  StopOptions stop{.drain_quiet = std::chrono::milliseconds(50), .reset_at_deadline = false};
  std::size_t max_connections = 10'000;
  std::size_t max_refusals = 256;
  ConnectionBudget::Beyond beyond = ConnectionBudget::Beyond::kRefuse;
  std::size_t partial_bytes = std::size_t{64} << 20;
  std::size_t decompress_bytes = std::size_t{64} << 20;
  std::size_t queue_bytes = std::size_t{8} << 20;
  unsigned sinks = 1;     ///< all required
  bool reorders = false;  ///< one more required sink, which finishes its batches out of order
  bool acks = false;
};

/// A listener on real loops, sockets and sink threads, without the App around it. The test is its main thread.
class World {
 public:
  explicit World(Setup setup);
  ~World();  ///< finish()

  Client connect(std::size_t url = 0);
  /// In two steps, for a test that has no descriptor left at the second.
  UniqueFd unconnected(std::size_t url) const;
  Client connect(std::size_t url, UniqueFd socket);
  std::string url(std::size_t i = 0) const { return listener_->urls()[i]; }
  std::string path(const std::string& name) const { return dir_ / name; }

  void drain();
  void at_deadline() { listener_->at_deadline(); }
  void at_flush_deadline() { listener_->at_flush_deadline(); }
  bool await_drained();
  /// Runs `task` on a loop and waits for it.
  void on_loop(unsigned loop, const std::function<void(IoLoop&)>& task);

  /// Drains, seals, delivers, ends all threads; then checks the ledger's identities, that nobody is left and that each
  /// connection has ended once. Harmless when repeated.
  void finish();

  ScriptedSink& sink(std::size_t i = 0) { return *sinks_[i]; }
  QueuedRunner& runner(std::size_t i = 0) { return *runners_[i]; }
  Quarantine& quarantine() { return *quarantine_; }
  Leftover& leftover() { return *leftover_; }
  Listener& listener() { return *listener_; }
  IoLoop& loop(unsigned i) { return *loops_[i]; }
  PartialBudget& partials() { return partials_; }
  DecompressBudget& decompressors() { return decompressors_; }
  ConnectionBudget& budget() { return budget_; }

  ListenerTotals totals() const { return ledger_.snapshot().listeners.at(0); }
  RouteTotals route(std::size_t i = 0) const { return ledger_.snapshot().routes.at(i); }
  std::uint64_t ended(ConnectionEnd end) const {
    return totals().ended[static_cast<std::size_t>(end)];
  }
  std::uint64_t discarded(Reason reason) const {
    return totals().counts.discarded_bytes[static_cast<std::size_t>(reason)];
  }
  std::uint64_t rejected(Reason reason) const {
    return totals().counts.rejected[static_cast<std::size_t>(reason)];
  }
  bool await_accepted(std::uint64_t n);
  bool await_read(std::uint64_t bytes);
  bool await_ended(std::uint64_t n);
  /// With Setup::queue_bytes 1: the sink holds and its gate is shut behind what was sent.
  bool await_gate_shut(std::size_t sink = 0);

 private:
  void post_main(EventLoop::Task task);
  void bind(const std::string& text);
  void seal_all();
  void check_ledger() const;

  Setup setup_;
  SharedDir dir_;
  std::unique_ptr<Quarantine> quarantine_;
  std::unique_ptr<Leftover> leftover_;
  Ledger ledger_;
  ConnectionBudget budget_;
  PartialBudget partials_;
  DecompressBudget decompressors_;
  BlockPool pool_;
  std::vector<ScriptedSink*> sinks_;
  std::vector<std::unique_ptr<QueuedRunner>> runners_;
  std::unique_ptr<Reorderer> reorderer_;
  std::unique_ptr<Listener> listener_;
  std::vector<std::unique_ptr<IoLoop>> loops_;  // go first: they outlive nobody
  std::vector<std::pair<SocketAddress, Scheme>> addresses_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<EventLoop::Task> tasks_;
  bool drain_asked_ = false, drained_ = false, finished_ = false;
};

}  // namespace penstock::test
