#pragma once

#include <cstddef>

namespace penstock {

struct RelpOptions {
  std::size_t max_window = 10'000;  ///< syslog commands of one connection without an answer

  friend bool operator==(const RelpOptions&, const RelpOptions&) = default;
};

}  // namespace penstock
