#pragma once

#include <poll.h>

#include <chrono>

namespace penstock::test {

/// How long a test waits for what must come before it fails.
inline constexpr std::chrono::seconds kPatience{120};

/// Polls `condition` every millisecond, up to kPatience.
template <class Condition>
bool eventually(Condition&& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    ::poll(nullptr, 0, 1);
  }
  return true;
}

}  // namespace penstock::test
