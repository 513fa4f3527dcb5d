#pragma once

#include <chrono>
#include <functional>

#include "protocols/core/aggregate.h"
#include "server/loop/next_turn.h"
#include "server/loop/timer.h"
#include "server/net/parked_list.h"
#include "server/pipeline/account.h"

namespace penstock {

class ListenerShare;

/// Gives out what a listener's protocol aggregates, each interval and once more at the end: as records of one of its
/// shares, so that sinks, ledger and gate treat them like all others. Own loop only; nothing here blocks.
///
/// It writes while the gate is open, a part a turn, and waits where it is shut: the next interval goes on being gathered
/// meanwhile, and becomes a longer one. Memory holds up its listener's reading, but not the flush, which gives memory back.
class Flusher final : private Parkable {
 public:
  /// `account` is that of the records. All three outlive it.
  Flusher(ListenerShare& share, Aggregate& aggregate, Account& account);
  ~Flusher() override;

  /// Stop, when no decoder adds any more: gives what there is, gate willing, and then calls `done`. Once.
  void finish(std::function<void()> done);
  /// Stop, after everything else: the same at once, whatever the gate says.
  void finish_now();

 private:
  void flush();
  void close_interval();
  void write_turn();
  void written();
  bool write_some();
  bool try_resume() override;

  ListenerShare& share_;
  Aggregate& aggregate_;
  Account& account_;
  Timer timer_;
  NextTurn next_turn_;
  std::chrono::milliseconds since_;  // the beginning of the interval
  std::function<void()> done_;
  bool writing_ = false;
  bool last_ = false;  // what is being written is all there will ever be
  bool finished_ = false;
};

}  // namespace penstock
