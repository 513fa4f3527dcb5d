#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "server/loop/event_loop.h"
#include "server/loop/next_turn.h"
#include "server/loop/timer.h"
#include "server/net/admission.h"
#include "server/net/connection_set.h"
#include "server/net/datagram_slots.h"
#include "server/net/decompress_budget.h"
#include "server/net/listener_options.h"
#include "server/net/parked_list.h"
#include "server/net/peer_command.h"
#include "server/net/tail_buffer.h"
#include "server/pipeline/ledger.h"

namespace penstock {

class Acceptor;
class ListenerShare;
struct SocketRow;

/// What all I/O loops share. Outlives them.
struct IoContext {
  ConnectionBudget& connections;
  PartialBudget& partials;
  DecompressBudget& decompressors;
  StopOptions stop;
};

/// One I/O loop with its thread: everything that it reads belongs to it alone (connections, datagram sockets, open blocks,
/// clocks), so nothing on the read path takes a lock. Other threads use post() and load(), nothing else.
class IoLoop {
 public:
  /// `cell` outlives it.
  static Result<std::unique_ptr<IoLoop>> create(unsigned index, const IoContext& context,
                                                LoopCell& cell);
  ~IoLoop();  ///< after join()

  void start();  ///< begins the thread
  void stop();   ///< any thread: ends after what was posted before
  void join();

  void post(EventLoop::Task task) { events_->post(std::move(task)); }
  unsigned index() const noexcept { return index_; }

  /// How busy it is, to choose the loop of a new connection: bytes read in the last second, then connections. Any thread.
  struct Load {
    std::uint64_t bytes = 0;
    std::size_t connections = 0;
    auto operator<=>(const Load&) const = default;  // NOLINT(modernize-use-nullptr): it sees a null
  };
  Load load() const noexcept;
  /// Any thread: a connection is on its way here.
  void expect_connection() noexcept {
    expected_.fetch_add(1, std::memory_order_relaxed);
    context_.connections.opened();
  }

  // Own thread only from here on.
  EventLoop& events() noexcept { return *events_; }
  Now now() noexcept { return events_->now(); }
  ConnectionSet& connections() noexcept { return connections_; }
  ParkedList& parked() noexcept { return parked_; }
  ConnectionBudget& connection_budget() noexcept { return context_.connections; }
  PartialAccount& partials() noexcept { return partials_; }
  DecompressBudget& decompressors() noexcept { return context_.decompressors; }
  const StopOptions& stop_options() const noexcept { return context_.stop; }
  std::span<char> scratch() noexcept { return {scratch_.get(), kScratchBytes}; }
  DatagramSlots& slots(std::size_t slot_bytes);
  CommandCache& commands() noexcept { return commands_; }

  void add_share(std::unique_ptr<ListenerShare> share);
  /// The share has something to publish or to seal at the end of this turn.
  void mark_dirty(ListenerShare& share) { dirty_.push_back(&share); }
  /// The connection has something to give that no poll tells of.
  void go_on_next_turn(ConnectionId id);
  void accept_at_turn_end(Acceptor& acceptor) { accepting_.push_back(&acceptor); }
  void count_read(std::uint64_t bytes) noexcept { bytes_read_ += bytes; }
  void connection_ended() noexcept {
    expected_.fetch_sub(1, std::memory_order_relaxed);
    context_.connections.closed();
  }
  /// Clocks of connections must be looked at in each sweep from here on (there are timeouts, or a stop, or something
  /// that ends by itself).
  void watch_clock() noexcept { clock_watched_ = true; }
  /// A refusal begins here. Past the budget the oldest one of this loop is ended early, so that a flood of peers that are
  /// refused never keeps others from being accepted.
  void begin_refusal(ConnectionId id);
  /// Stop, after everything else: closes the connections that are left, whatever is unread, and counts them as abandoned.
  void abandon_all();
  /// Stop, after abandon_all() of every loop: writes what was aggregated, whatever the gates say.
  void flush_all();
  /// Hands on everything that was read so far and publishes the counters: after the last connection of a stop.
  void seal_all();
  /// While stopping, sweeps come every 20 ms instead of 100.
  void hurry();
  /// For a look at all sockets, over several turns: appends the rows of at most `most` connections from place `from` on,
  /// those of acceptors and datagram sockets at 0. Gives where to go on, size_t(-1) behind the last.
  std::size_t copy_rows(std::size_t from, std::size_t most, std::vector<SocketRow>& rows);
  /// Closes the connection with the largest unfinished frame; false when none has one.
  bool close_largest_partial();

 private:
  static constexpr std::size_t kScratchBytes = std::size_t{64} << 10;

  IoLoop(unsigned index, const IoContext& context, LoopCell& cell,
         std::unique_ptr<EventLoop> events);
  void go_on();
  void end_turn();
  void sweep();
  void sweep_second();

  const unsigned index_;
  IoContext context_;
  LoopCell& cell_;
  std::unique_ptr<EventLoop> events_;
  std::unique_ptr<char[]> scratch_;
  std::map<std::size_t, DatagramSlots> slots_;  // by slot size
  CommandCache commands_;
  ParkedList parked_;
  PartialAccount partials_;  // before the connections, which charge it
  std::vector<std::unique_ptr<ListenerShare>> shares_;
  ConnectionSet connections_;
  std::vector<Acceptor*> accepting_;
  std::vector<ListenerShare*> dirty_, still_dirty_;
  std::deque<ConnectionId> refusals_;  // begun here, the oldest first; some have ended
  std::vector<ConnectionId> going_on_, going_on_now_;
  std::unique_ptr<Timer> sweep_timer_, seal_timer_;
  std::unique_ptr<NextTurn> next_turn_;
  std::thread thread_;
  bool clock_watched_ = false;
  std::chrono::milliseconds last_second_{0}, last_sweep_{0};
  std::uint64_t bytes_read_ = 0, bytes_before_ = 0;
  std::atomic<std::uint64_t> bytes_last_second_{0};
  std::atomic<std::size_t> expected_{0};  // connections here or on their way
};

}  // namespace penstock
