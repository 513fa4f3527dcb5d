#include "protocols/core/local_zone.h"

#include <algorithm>
#include <array>
#include <ctime>

namespace penstock {
namespace {

constexpr std::int64_t kQuarterS = 900;

std::int64_t quarter_of(std::int64_t seconds) noexcept {
  return seconds / kQuarterS - (seconds % kQuarterS < 0 ? 1 : 0);
}

/// The offsets of the quarters asked for last; localtime_r(3) takes a lock of the whole process.
class Offsets {
 public:
  std::int32_t at(std::int64_t seconds) noexcept {
    const std::int64_t quarter = quarter_of(seconds);
    Entry& entry = entries_[static_cast<std::uint64_t>(quarter) % entries_.size()];
    if (!entry.known || entry.quarter != quarter) {
      const auto time = static_cast<std::time_t>(seconds);
      std::tm civil{};
      const bool told = ::localtime_r(&time, &civil) != nullptr;
      entry = {quarter, told ? static_cast<std::int32_t>(civil.tm_gmtoff) : 0, true};
    }
    return entry.offset_s;
  }

 private:
  struct Entry {
    std::int64_t quarter = 0;
    std::int32_t offset_s = 0;
    bool known = false;
  };
  std::array<Entry, 64> entries_;
};

}  // namespace

std::int32_t local_offset_s(const CivilTime& time, std::int64_t near_ns) noexcept {
  thread_local Offsets offsets;
  CivilTime utc = time;
  utc.zone_offset_s = 0;
  std::int64_t ns = 0;
  if (!to_nanoseconds(utc, ns)) return 0;
  const std::int64_t wall_s = ns / kNanosPerSecond;
  const std::int32_t now = offsets.at(near_ns / kNanosPerSecond);
  const std::int32_t there = offsets.at(wall_s - now);
  if (there == now) return now;
  return offsets.at(wall_s - there) == there ? there : std::min(now, there);
}

}  // namespace penstock
