#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "server/pipeline/quarantine_format.h"

namespace penstock {

/// What one listener was refused for one reason, since the start.
struct QuarantineCount {
  std::string reason, listener;
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;

  friend bool operator==(const QuarantineCount&, const QuarantineCount&) = default;
};

/// One of the last entries, to look at.
struct QuarantineSeen {
  QuarantineEntry entry;   ///< its `bytes` at most QuarantineTally::kShownBytes
  std::uint64_t size = 0;  ///< how many there were

  friend bool operator==(const QuarantineSeen&, const QuarantineSeen&) = default;
};

/// What went to the quarantine, kept in memory to be seen: counts, which grow with reasons and listeners only, and the
/// last entries. Whether an entry also found room in the file is not its business. Any thread.
class QuarantineTally {
 public:
  static constexpr std::size_t kLast = 50;
  static constexpr std::size_t kShownBytes = 256;

  void add(const QuarantineEntry& entry);

  std::vector<QuarantineCount> counts() const;  ///< by reason, then by listener
  std::vector<QuarantineSeen> last() const;     ///< the newest first

 private:
  struct Sum {
    std::uint64_t count = 0, bytes = 0;
  };
  using SumByListener = std::map<std::string, Sum>;

  Sum& sum_of(const QuarantineEntry& entry);

  mutable std::mutex mutex_;                   // guards what follows
  std::map<std::string, SumByListener> sums_;  // by reason
  std::array<QuarantineSeen, kLast> last_;     // a ring: the oldest makes way and leaves its memory
  std::uint64_t added_ = 0;
  Sum* newest_sum_ = nullptr;  // of the newest entry
};

}  // namespace penstock
