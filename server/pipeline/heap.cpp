#include "server/pipeline/heap.h"

#include <malloc.h>

#include <mutex>

namespace penstock {
namespace {

constexpr int kMappedBytes = 128 << 10;
constexpr int kFreeAtTheEndBytes = 128 << 10;
constexpr int kNoFastbins = 0;

}  // namespace

void configure_heap() noexcept {
  mallopt(M_MMAP_THRESHOLD, kMappedBytes);
  mallopt(M_TRIM_THRESHOLD, kFreeAtTheEndBytes);
  mallopt(M_MXFAST, kNoFastbins);
}

void trim_heap() noexcept {
  // Where a sanitizer stands in for malloc(3), the first to trim sets glibc's own allocator up, which it does without a
  // lock: two threads at once would both own its first heap, and the second of them to end would abort.
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  malloc_trim(0);
}

}  // namespace penstock
