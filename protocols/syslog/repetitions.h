#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string_view>

namespace penstock::syslog {

/// Which names of a list come again, and where. Of n names n log n are compared, in memory of its own.
class Repetitions {
 public:
  static constexpr std::size_t kMost = 1024;
  static constexpr std::uint16_t kNone = UINT16_MAX;

  /// `name_of(at)` gives the name at 0 to `count` - 1 as a std::string_view; `count` is at most kMost.
  template <class NameOf>
  Repetitions(std::size_t count, const NameOf& name_of) {
    std::fill_n(next_.begin(), count, kNone);
    if (count <= kFew)
      link_few(count, name_of);
    else
      link_many(count, name_of);
  }

  /// The name at `at` has come before.
  bool is_repetition(std::size_t at) const noexcept { return repeats_[at]; }
  /// Where it comes next; kNone: nowhere.
  std::uint16_t next(std::size_t at) const noexcept { return next_[at]; }

 private:
  /// Up to so many are compared each with each other.
  static constexpr std::size_t kFew = 32;

  void link(std::size_t at, std::size_t next) noexcept {
    next_[at] = static_cast<std::uint16_t>(next);
    repeats_[next] = true;
  }

  template <class NameOf>
  void link_few(std::size_t count, const NameOf& name_of) {
    for (std::size_t at = 0; at < count; ++at) {
      std::size_t next = at + 1;
      while (next < count && name_of(next) != name_of(at)) ++next;
      if (next < count) link(at, next);
    }
  }

  template <class NameOf>
  void link_many(std::size_t count, const NameOf& name_of) {
    std::array<std::uint16_t, kMost> sorted;
    const auto end = sorted.begin() + static_cast<std::ptrdiff_t>(count);
    std::iota(sorted.begin(), end, std::uint16_t{0});
    std::sort(sorted.begin(), end, [&](std::uint16_t a, std::uint16_t b) {
      const std::string_view one = name_of(a), other = name_of(b);
      if (one.size() != other.size()) return one.size() < other.size();
      const int order = one.compare(other);
      return order != 0 ? order < 0 : a < b;
    });
    for (std::size_t at = 1; at < count; ++at) {
      if (name_of(sorted[at - 1]) == name_of(sorted[at])) link(sorted[at - 1], sorted[at]);
    }
  }

  std::array<std::uint16_t, kMost> next_;  // of as many as there are names
  std::bitset<kMost> repeats_;
};

}  // namespace penstock::syslog
