#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "protocols/core/batch.h"
#include "protocols/core/batch_writer.h"
#include "server/pipeline/ledger.h"

namespace penstock {

/// The account of one URL on one loop: plain counts while a turn runs, moved into the ledger's cell at its end, so that
/// counting a record touches nothing that another thread reads. Own loop only; origin and cell outlive it.
class Account {
 public:
  Account(const Origin& origin, UrlCell& cell) noexcept : origin_(origin), cell_(cell) {}
  ~Account() { publish(); }
  Account(const Account&) = delete;
  Account& operator=(const Account&) = delete;

  const Origin& origin() const noexcept { return origin_; }
  UrlCell& cell() noexcept { return cell_; }

  /// To count in.
  FrameCounts& counts() noexcept {
    changed_ = true;
    return counts_;
  }
  void add_read(std::uint64_t bytes) noexcept {
    changed_ = true;
    read_bytes_ += bytes;
  }
  /// Bytes of one connection's unfinished frame, before and now.
  void change_held(std::size_t from, std::size_t to) noexcept {
    changed_ = true;
    held_bytes_ += to - from;
  }
  void pause() noexcept { cell_.paused.add(1); }
  void resume() noexcept { cell_.paused.set(cell_.paused.get() - 1); }

  /// Records so far.
  std::uint64_t events() const noexcept { return counts_.events; }

  void publish() noexcept {
    if (!std::exchange(changed_, false)) return;
    cell_.publish(counts_, published_);
    cell_.read_bytes.add(std::exchange(read_bytes_, 0));
    cell_.partial_held_bytes.set(held_bytes_);
  }

 private:
  const Origin& origin_;
  UrlCell& cell_;
  FrameCounts counts_, published_;
  std::uint64_t read_bytes_ = 0;  // since publish()
  std::size_t held_bytes_ = 0;
  bool changed_ = false;
};

}  // namespace penstock
