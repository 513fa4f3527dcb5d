#pragma once

#include <cstddef>
#include <string>

namespace penstock {

/// What keeps a frame from being what its protocol says: for logs, quarantine and the frame's own event.
struct Problem {
  static constexpr std::size_t kNowhere = SIZE_MAX;

  const char* why = nullptr;  ///< a plain reason, static storage; null: there is none
  std::size_t at = kNowhere;  ///< the byte of the frame at which it shows, from 0

  explicit operator bool() const noexcept { return why != nullptr; }
};

/// `at byte 12: the month is none of Jan to Dec`; empty where there is none.
std::string to_string(const Problem& problem);

}  // namespace penstock
