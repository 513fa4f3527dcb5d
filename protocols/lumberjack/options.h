#pragma once

#include <chrono>
#include <cstddef>

#include "protocols/json/object_reader.h"

namespace penstock {

struct LumberjackOptions {
  /// While a window is not acknowledged, `ACK 0` goes out this often, so that its sender does not give up; 0: never.
  std::chrono::milliseconds keepalive{3000};
  std::size_t max_window = 10'000;                             ///< events
  std::size_t max_pairs = 1000;                                ///< of one event of version 1
  std::size_t max_decompressed_bytes = std::size_t{64} << 20;  ///< of one compressed frame
  unsigned max_decompressed_ratio = 200;  ///< from kLumberjackGraceBytes on; 0: no limit
  JsonLimits json;                        ///< of one event of version 2

  friend bool operator==(const LumberjackOptions&, const LumberjackOptions&) = default;
};

/// That much may come out of a compressed frame whatever its ratio.
inline constexpr std::size_t kLumberjackGraceBytes = std::size_t{1} << 20;

}  // namespace penstock
