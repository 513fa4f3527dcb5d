#include "server/log/log.h"

#include <chrono>

namespace penstock::log {

std::int64_t steady_ms() noexcept {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count();
}

bool RateLimit::allow(std::int64_t now_ms, std::uint64_t& suppressed) noexcept {
  suppressed = 0;
  if (!started_ || now_ms - window_start_ms_ >= interval_ms_) {
    started_ = true;
    window_start_ms_ = now_ms;
    used_ = 0;
  }
  if (used_ >= burst_) {
    ++held_;
    return false;
  }
  ++used_;
  suppressed = held_;
  held_ = 0;
  return true;
}

}  // namespace penstock::log
