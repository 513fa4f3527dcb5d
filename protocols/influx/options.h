#pragma once

#include <cstdint>

namespace penstock {

/// What the lines of one listener leave open.
struct InfluxOptions {
  enum class Precision : std::uint8_t { kNanoseconds, kMicroseconds, kMilliseconds, kSeconds };

  Precision precision = Precision::kNanoseconds;  ///< the unit of timestamps

  friend bool operator==(const InfluxOptions&, const InfluxOptions&) = default;
};

}  // namespace penstock
