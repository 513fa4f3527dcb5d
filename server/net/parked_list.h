#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include "server/pipeline/counter.h"

namespace penstock {

/// What somebody who is parked waits for.
enum class PauseReason : std::uint8_t {
  kGate,          ///< a required sink's queue, or the memory budget: Intake::shut_by() tells which
  kDecompressor,  ///< memory of decompressors
  kAnswers,       ///< acknowledgements that are open: as many as its protocol allows
};

/// Something that stands still because its listener's gate is shut.
class Parkable {
 public:
  /// `paused` counts those that are parked now; it outlives this.
  explicit Parkable(Counter& paused) noexcept : paused_(paused) {}
  Parkable(const Parkable&) = delete;
  Parkable& operator=(const Parkable&) = delete;

  bool is_parked() const noexcept { return parked_at_ != kNotParked; }
  /// While it is parked: since when, on the loop's clock, and for what.
  std::chrono::milliseconds parked_since() const noexcept { return parked_since_; }
  PauseReason pause_reason() const noexcept { return reason_; }

  /// The gate may have opened: true when it reads again, false when it stays parked.
  virtual bool try_resume() = 0;

 protected:
  virtual ~Parkable() = default;

 private:
  friend class ParkedList;
  static constexpr std::size_t kNotParked = static_cast<std::size_t>(-1);

  Counter& paused_;
  std::chrono::milliseconds parked_since_{0};
  PauseReason reason_ = PauseReason::kGate;
  std::size_t parked_at_ = kNotParked;
  std::uint32_t parked_in_ = 0;  // the list's round when it was added
};

/// A loop's parked connections and datagram sockets. Adding and removing are O(1); idle connections are never in it.
class ParkedList {
 public:
  void add(Parkable& one, std::chrono::milliseconds now, PauseReason reason = PauseReason::kGate);
  void remove(Parkable& one) noexcept;
  /// Lets each try once, in random order: where there is room for a few only, nobody is always too late. One that parks
  /// (again) meanwhile waits for the next call; removing others is fine.
  void resume_all();
  std::size_t size() const noexcept { return parked_.size(); }

 private:
  void insert(Parkable& one);
  void exchange(std::size_t a, std::size_t b) noexcept;

  std::vector<Parkable*> parked_;
  std::minstd_rand random_;
  std::uint32_t round_ = 0;  // of resume_all
};

}  // namespace penstock
