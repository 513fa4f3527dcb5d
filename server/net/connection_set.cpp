#include "server/net/connection_set.h"

#include "protocols/core/check.h"
#include "server/net/connection.h"

namespace penstock {
namespace {

// Generation in the upper 32 bits, the loop in 8, the slot in 24: 16 million connections a loop.
constexpr unsigned kSlotBits = 24;
constexpr std::size_t kSlotMask = (std::size_t{1} << kSlotBits) - 1;

}  // namespace

ConnectionSet::ConnectionSet(unsigned loop_index) noexcept : loop_index_(loop_index) {}
ConnectionSet::~ConnectionSet() = default;

void ConnectionSet::bury() noexcept { retired_.clear(); }

ConnectionId ConnectionSet::id_of(std::size_t slot) const noexcept {
  const std::uint64_t generation = slot < slots_.size() ? slots_[slot].generation : 1;
  return generation << 32 | std::uint64_t{loop_index_ & 0xffu} << kSlotBits | slot;
}

ConnectionId ConnectionSet::next_id() const noexcept {
  return id_of(free_.empty() ? slots_.size() : free_.back());
}

Connection& ConnectionSet::add(std::unique_ptr<Connection> connection) {
  PENSTOCK_CHECK(connection->id() == next_id());
  const std::size_t slot = connection->id() & kSlotMask;
  if (free_.empty()) {
    slots_.emplace_back();
  } else {
    free_.pop_back();
  }
  slots_[slot].connection = std::move(connection);
  ++size_;
  return *slots_[slot].connection;
}

Connection* ConnectionSet::find(ConnectionId id) noexcept {
  const std::size_t slot = id & kSlotMask;
  if (slot >= slots_.size() || !slots_[slot].connection || slots_[slot].connection->id() != id)
    return nullptr;
  return slots_[slot].connection.get();
}

void ConnectionSet::retire(Connection& connection) {
  const std::size_t slot = connection.id() & kSlotMask;
  PENSTOCK_CHECK(slot < slots_.size() && slots_[slot].connection.get() == &connection);
  retired_.push_back(std::move(slots_[slot].connection));
  ++slots_[slot].generation;
  free_.push_back(static_cast<std::uint32_t>(slot));
  --size_;
}

}  // namespace penstock
