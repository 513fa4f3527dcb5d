#include "server/net/flusher.h"

#include <algorithm>
#include <utility>

#include "server/log/log.h"
#include "server/net/listener_share.h"

namespace penstock {
namespace {

/// Most of one turn, so that a large flush leaves room for connections.
constexpr int kMaxWritesPerTurn = 16;

}  // namespace

Flusher::Flusher(ListenerShare& share, Aggregate& aggregate, Account& account)
    : Parkable(account.cell().paused),
      share_(share),
      aggregate_(aggregate),
      account_(account),
      timer_(share.loop().events(), [this] { flush(); }),
      next_turn_(share.loop().events(), [this] { write_turn(); }),
      since_(share.now().monotonic) {
  timer_.start_every(aggregate.interval());
}

Flusher::~Flusher() { share_.loop().parked().remove(*this); }

void Flusher::flush() {
  if (writing_ || finished_) return;  // the interval goes on
  close_interval();
  write_turn();
}

void Flusher::close_interval() {
  const Now now = share_.now();
  const auto length = std::max(now.monotonic - since_, std::chrono::milliseconds(1));
  since_ = now.monotonic;
  writing_ = true;
  aggregate_.close(now, length);
  if (const std::uint64_t refused = aggregate_.take_refused(); refused != 0)
    log::warn("no room in the aggregate, samples went on by themselves",
              {{"listener", share_.options().name}, {"samples", refused}});
}

void Flusher::write_turn() {
  next_turn_.stop();
  for (int writes = 0; writes < kMaxWritesPerTurn; ++writes) {
    if (!share_.intake().routes_open())
      return share_.loop().parked().add(*this, share_.now().monotonic);
    if (!write_some()) return written();
  }
  next_turn_.start();
}

/// False: that was all.
bool Flusher::write_some() {
  const std::span<char> room = share_.intake().room(0);
  BatchWriter writer = share_.write(0, Peer{}, account_, room.data());
  const bool more = aggregate_.write(writer);
  share_.intake().commit(writer, room.data());
  return more;
}

void Flusher::written() {
  writing_ = false;
  if (!done_) return;
  if (!std::exchange(last_, true)) {
    close_interval();
    return write_turn();
  }
  finished_ = true;
  std::exchange(done_, {})();
}

bool Flusher::try_resume() {
  if (!share_.intake().routes_open()) return false;
  next_turn_.start();
  return true;
}

void Flusher::finish(std::function<void()> done) {
  if (finished_) return done();
  timer_.stop();
  done_ = std::move(done);
  if (!writing_) written();
}

void Flusher::finish_now() {
  if (finished_) return;
  timer_.stop();
  next_turn_.stop();
  share_.loop().parked().remove(*this);
  while (writing_ && write_some()) {
  }
  if (!last_) {
    close_interval();
    while (write_some()) {
    }
  }
  writing_ = false;
  finished_ = true;
  if (done_) std::exchange(done_, {})();
}

}  // namespace penstock
