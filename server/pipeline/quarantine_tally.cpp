#include "server/pipeline/quarantine_tally.h"

#include <algorithm>

namespace penstock {
namespace {

/// The front of `bytes`; a UTF-8 character that would be cut is left out.
std::string_view shown_part(std::string_view bytes) {
  if (bytes.size() <= QuarantineTally::kShownBytes) return bytes;
  constexpr std::size_t kLongestCharacter = 4;
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(bytes[at]) & 0xC0) == 0x80;
  };
  std::size_t end = QuarantineTally::kShownBytes;
  while (continues(end) && end > QuarantineTally::kShownBytes - kLongestCharacter) --end;
  return bytes.substr(0, continues(end) ? QuarantineTally::kShownBytes : end);
}

/// Into the strings that are there already, so that a flood of entries allocates nothing.
void assign(QuarantineSeen& to, const QuarantineEntry& from) {
  to.entry.time_ns = from.time_ns;
  to.entry.listener = from.listener;
  to.entry.url = from.url;
  to.entry.peer = from.peer;
  to.entry.reason = from.reason;
  to.entry.sink = from.sink;
  to.entry.detail = from.detail;
  to.entry.flags = from.flags;
  to.entry.bytes = shown_part(from.bytes);
  to.size = from.bytes.size();
}

}  // namespace

/// A flood is mostly of one kind: then nothing is looked up.
QuarantineTally::Sum& QuarantineTally::sum_of(const QuarantineEntry& entry) {
  const QuarantineEntry& newest = last_[(added_ + kLast - 1) % kLast].entry;
  if (newest_sum_ == nullptr || newest.reason != entry.reason || newest.listener != entry.listener)
    newest_sum_ = &sums_[entry.reason][entry.listener];
  return *newest_sum_;
}

void QuarantineTally::add(const QuarantineEntry& entry) {
  const std::lock_guard lock(mutex_);
  Sum& sum = sum_of(entry);
  ++sum.count;
  sum.bytes += entry.bytes.size();
  assign(last_[added_++ % kLast], entry);
}

std::vector<QuarantineCount> QuarantineTally::counts() const {
  std::vector<QuarantineCount> counts;
  const std::lock_guard lock(mutex_);
  for (const auto& [reason, listeners] : sums_) {
    for (const auto& [listener, sum] : listeners)
      counts.push_back({reason, listener, sum.count, sum.bytes});
  }
  return counts;
}

std::vector<QuarantineSeen> QuarantineTally::last() const {
  std::vector<QuarantineSeen> last;
  last.reserve(kLast);  // not under the mutex
  const std::lock_guard lock(mutex_);
  const std::uint64_t kept = std::min<std::uint64_t>(added_, kLast);
  for (std::uint64_t back = 1; back <= kept; ++back) last.push_back(last_[(added_ - back) % kLast]);
  return last;
}

}  // namespace penstock
