#pragma once

#include <chrono>
#include <cstdint>

namespace penstock {

/// Bytes and records a second of one connection, over windows of a second that begin with something to count. Cheap: an
/// addition and a comparison a read. Own loop only; times are the loop's clock.
class RateMeter {
 public:
  struct Rates {
    double bytes = 0, events = 0;  ///< a second
  };

  void add(std::chrono::milliseconds now, std::uint64_t bytes, std::uint64_t events) noexcept {
    if (now - begin_ >= kWindow) {
      last_ = over(now);
      begin_ = now;
      bytes_ = events_ = 0;
    }
    bytes_ += bytes;
    events_ += events;
  }

  /// Of the window that is open once it is long enough, else of the one before it.
  Rates rates(std::chrono::milliseconds now) const noexcept {
    return now - begin_ >= kWindow ? over(now) : last_;
  }

 private:
  static constexpr std::chrono::milliseconds kWindow{1000};

  Rates over(std::chrono::milliseconds now) const noexcept {
    const double seconds = static_cast<double>((now - begin_).count()) / 1e3;
    return {static_cast<double>(bytes_) / seconds, static_cast<double>(events_) / seconds};
  }

  std::chrono::milliseconds begin_{0};
  std::uint64_t bytes_ = 0, events_ = 0;
  Rates last_;
};

}  // namespace penstock
