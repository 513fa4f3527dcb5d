#include "server/pipeline/memory_budget.h"

#include <utility>

namespace penstock {

MemoryBudget::MemoryBudget(std::size_t max_bytes, std::function<void()> on_room)
    : max_(max_bytes), most_(max_bytes - max_bytes / kReserveShare), on_room_(std::move(on_room)) {}

bool MemoryBudget::charge_if_free(std::size_t bytes) noexcept {
  std::size_t used = used_.load();
  do {
    if (used > most_ || bytes > most_ - used) return false;
  } while (!used_.compare_exchange_weak(used, used + bytes));
  return true;
}

/// No wake-up is lost: the one who waits says so and looks again, the one who gives back does so and looks whether
/// somebody waits, and all of it is sequentially consistent: one of the two sees the other.
bool MemoryBudget::try_charge(std::size_t bytes) noexcept {
  if (charge_if_free(bytes)) return true;
  wanted_ = bytes;
  return charge_if_free(bytes);
}

void MemoryBudget::give_back(std::size_t bytes) noexcept {
  const std::size_t used = used_.fetch_sub(bytes) - bytes;
  const std::size_t wanted = wanted_.load();
  if (wanted == 0 || used > most_ || wanted > most_ - used) return;
  if (wanted_.exchange(0) != 0 && connected_ && on_room_) on_room_();
}

}  // namespace penstock
