#include "server/commands/send/pacer.h"

#include <algorithm>
#include <cmath>

namespace penstock {
namespace {

constexpr double kSecond = 1e9;
constexpr double kBurstSeconds = 250e-6;
constexpr std::int64_t kCatchUpNs = 100'000'000;

}  // namespace

Pacer::Pacer(double rate, std::int64_t start_ns) noexcept
    : rate_(rate),
      burst_(std::max<std::uint64_t>(1, static_cast<std::uint64_t>(rate * kBurstSeconds))),
      start_ns_(start_ns) {}

std::int64_t Pacer::due_ns(std::uint64_t sent) const noexcept {
  if (rate_ <= 0 || sent <= start_sent_) return start_ns_;
  const double wait = std::ceil(static_cast<double>(sent - start_sent_) / rate_ * kSecond);
  return wait > 9e18 ? std::numeric_limits<std::int64_t>::max()
                     : start_ns_ + static_cast<std::int64_t>(wait);
}

std::uint64_t Pacer::quota(std::int64_t now_ns, std::uint64_t sent) noexcept {
  if (rate_ <= 0) return kNoLimit;
  if (now_ns < due_ns(sent)) return 0;
  if (now_ns - due_ns(sent) > kCatchUpNs) {
    start_ns_ = now_ns;
    start_sent_ = sent;
  }
  const double due = static_cast<double>(now_ns - start_ns_) / kSecond * rate_;
  const std::uint64_t behind = static_cast<std::uint64_t>(due) -
                               std::min(static_cast<std::uint64_t>(due), sent - start_sent_);
  return behind + burst_;
}

}  // namespace penstock
