#pragma once

#include <cstdint>
#include <memory>

#include "protocols/compression/inflater.h"

namespace penstock {

/// What may come out of one stream or message.
struct DecompressLimits {
  std::uint64_t max_bytes = 0;    ///< 0: no limit
  std::uint64_t max_ratio = 0;    ///< of output to input; 0: no limit
  std::uint64_t grace_bytes = 0;  ///< that much output passes whatever its ratio
  /// Why not, with the key that says how much. Static storage.
  const char* over_bytes = "more than max_decompressed_bytes";
  const char* over_ratio = "more than max_decompressed_ratio";
};

/// An Inflater that stops at limits. max_bytes is exact; the ratio is looked at behind each step, so that one room's
/// worth may come out beyond it.
class Decompressor {
 public:
  Decompressor(Coding coding, const DecompressLimits& limits)
      : inflater_(make_inflater(coding)), limits_(limits) {}

  /// Inflater::step, which never gives kOverLimit itself. What was produced with kBroken and kOverLimit is good.
  InflateResult step(std::string_view input, std::span<char> room, std::size_t memory_bytes);
  /// Begins anew, counts included.
  void reset() noexcept;

  Inflater& inflater() noexcept { return *inflater_; }
  const Inflater& inflater() const noexcept { return *inflater_; }

 private:
  InflateResult look_for_more(std::string_view input, std::size_t memory_bytes);
  bool ratio_exceeded() const noexcept;

  std::unique_ptr<Inflater> inflater_;
  DecompressLimits limits_;
  std::uint64_t in_bytes_ = 0, out_bytes_ = 0;
};

}  // namespace penstock
