#include "protocols/compression/message.h"

#include <algorithm>

#include "protocols/core/check.h"

namespace penstock {
namespace {

constexpr std::size_t kFirstBufferBytes = std::size_t{64} << 10;
constexpr std::size_t kUnlimited = static_cast<std::size_t>(-1);

}  // namespace

MessageDecompressor::Outcome MessageDecompressor::decompress(Coding coding,
                                                             std::string_view message) {
  Decompressor& decompressor = of(coding);
  decompressor.reset();
  std::size_t used = 0;
  for (;;) {
    if (capacity_ == used) grow(used);
    const InflateResult result =
        decompressor.step(message, {buffer_.get() + used, capacity_ - used}, kUnlimited);
    message.remove_prefix(result.consumed);
    used += result.produced;
    if (result.status == InflateStatus::kNeedsRoom) continue;
    if (result.status != InflateStatus::kNeedsInput) return {result.status, {}, result.why};
    if (!decompressor.inflater().finished())
      return {InflateStatus::kBroken, {}, "it ends in the middle", true};
    return {InflateStatus::kNeedsInput, {buffer_.get(), used}};
  }
}

Decompressor& MessageDecompressor::of(Coding coding) {
  auto& one = decompressors_[static_cast<std::size_t>(coding)];
  return one ? *one : one.emplace(coding, limits_);
}

/// One byte more than the limit is room enough to find out that it is exceeded.
void MessageDecompressor::grow(std::size_t used) {
  const std::size_t most = static_cast<std::size_t>(limits_.max_bytes) + 1;
  const std::size_t capacity = std::min(most, std::max(kFirstBufferBytes, used * 2));
  PENSTOCK_CHECK(capacity > used);
  void* moved = std::realloc(buffer_.get(), capacity);
  if (moved == nullptr) std::abort();
  (void)buffer_.release();
  buffer_.reset(static_cast<char*>(moved));
  capacity_ = capacity;
}

void MessageDecompressor::trim() noexcept {
  for (auto& one : decompressors_) one.reset();
  if (capacity_ <= kFirstBufferBytes) return;
  buffer_.reset();
  capacity_ = 0;
}

std::size_t MessageDecompressor::memory_bytes() const noexcept {
  std::size_t bytes = capacity_;
  for (const auto& one : decompressors_) bytes += one ? one->inflater().memory_bytes() : 0;
  return bytes;
}

}  // namespace penstock
