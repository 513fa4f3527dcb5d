#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "protocols/core/batch.h"

namespace penstock {

class Connection;

/// The connections of one loop, by id: owns them, finds them, and frees a retired one at the end of the turn, so that
/// no object dies inside its own callback. An id names slot and generation: a late completion never finds a stranger.
class ConnectionSet {
 public:
  explicit ConnectionSet(unsigned loop_index) noexcept;
  ~ConnectionSet();

  /// The id that the next add() will give.
  ConnectionId next_id() const noexcept;
  Connection& add(std::unique_ptr<Connection> connection);
  Connection* find(ConnectionId id) noexcept;

  /// Takes it out of the set; it is freed by bury().
  void retire(Connection& connection);
  void bury() noexcept;

  std::size_t size() const noexcept { return size_; }

  /// Calls `visit(Connection&)` for each; retiring any of them meanwhile is fine, those added meanwhile may be left out.
  template <class Visit>
  void for_each(Visit&& visit) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].connection) visit(*slots_[i].connection);
    }
  }

  /// The same for at most `most` of them, from place `from` on (0 at first). Gives where to go on, size_t(-1) behind the
  /// last. Between two calls others may come and go: who stays is visited once. Passes over a bounded number of empty
  /// places.
  template <class Visit>
  std::size_t visit_some(std::size_t from, std::size_t most, Visit&& visit) {
    const std::size_t end = std::min(slots_.size(), from + most * kEmptyPerVisit);
    for (std::size_t i = from; i < end; ++i) {
      if (!slots_[i].connection) continue;
      if (most-- == 0) return i;
      visit(*slots_[i].connection);
    }
    return end < slots_.size() ? end : static_cast<std::size_t>(-1);
  }

 private:
  static constexpr std::size_t kEmptyPerVisit = 16;

  struct Slot {
    std::unique_ptr<Connection> connection;
    std::uint32_t generation = 1;
  };
  ConnectionId id_of(std::size_t slot) const noexcept;

  unsigned loop_index_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::vector<std::unique_ptr<Connection>> retired_;
  std::size_t size_ = 0;
};

}  // namespace penstock
