#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace penstock {

/// Something that stands still because its listener's gate is shut.
struct Parkable {
  /// The gate may have opened: true when it reads again, false when it stays parked.
  virtual bool try_resume() = 0;

 protected:
  virtual ~Parkable() = default;

 private:
  friend class ParkedList;
  std::size_t parked_at_ = kNotParked;
  std::uint32_t parked_in_ = 0;  // the list's round when it was added
  static constexpr std::size_t kNotParked = static_cast<std::size_t>(-1);
};

/// A loop's parked connections and datagram sockets. Adding and removing are O(1); idle connections are never in it.
class ParkedList {
 public:
  void add(Parkable& one);
  void remove(Parkable& one) noexcept;
  /// Lets each try once, in random order: where there is room for a few only, nobody is always too late. One that parks
  /// (again) meanwhile waits for the next call; removing others is fine.
  void resume_all();
  std::size_t size() const noexcept { return parked_.size(); }
  static bool contains(const Parkable& one) noexcept {
    return one.parked_at_ != Parkable::kNotParked;
  }

 private:
  void exchange(std::size_t a, std::size_t b) noexcept;

  std::vector<Parkable*> parked_;
  std::minstd_rand random_;
  std::uint32_t round_ = 0;  // of resume_all
};

}  // namespace penstock
