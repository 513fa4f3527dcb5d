#pragma once

#include <atomic>
#include <cstddef>
#include <functional>

namespace penstock {

/// What is left of server.memory (DESIGN.md section 5): capacity of blocks and indexes wherever they are, and of
/// unfinished frames. Any thread, without locks. Shared by all that charge it, so that the last block may come back late.
///
/// From half of it on it is *pressed*: those who hold memory ahead of need (open blocks, caches) take little and give it
/// back at once. At its end whoever can wait does: a listener reads nothing until memory comes back.
class MemoryBudget {
 public:
  static constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1) / 2;

  /// `on_room` is called, on any thread and outside all locks, when memory has come back for which somebody was refused.
  explicit MemoryBudget(std::size_t max_bytes = kUnlimited, std::function<void()> on_room = {});

  /// For what cannot wait: a read that has been done, a batch that is sealed. May overdraw; then everybody else waits.
  void charge(std::size_t bytes) noexcept { used_.fetch_add(bytes); }
  /// For what can: false when there is no room, and on_room will be called once there is.
  bool try_charge(std::size_t bytes) noexcept;
  void give_back(std::size_t bytes) noexcept;
  void change(std::size_t from, std::size_t to) noexcept {
    if (to > from) charge(to - from);
    if (from > to) give_back(from - to);
  }

  /// on_room is not called any more: whom it would wake is about to go.
  void disconnect() noexcept { connected_ = false; }

  bool pressed() const noexcept { return used_bytes() > max_ / 2; }
  std::size_t used_bytes() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::size_t max_bytes() const noexcept { return max_; }
  /// What those who can wait may have together.
  std::size_t most_bytes() const noexcept { return most_; }

 private:
  /// Kept free by those who can wait for those who cannot: 1/64.
  static constexpr std::size_t kReserveShare = 64;

  bool charge_if_free(std::size_t bytes) noexcept;

  const std::size_t max_;
  const std::size_t most_;  // for those who can wait
  const std::function<void()> on_room_;
  std::atomic<std::size_t> used_{0};
  std::atomic<std::size_t> wanted_{0};  // the last refusal's bytes; 0: nobody waits
  std::atomic<bool> connected_{true};
};

}  // namespace penstock
