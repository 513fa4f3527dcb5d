#include "server/pipeline/heap.h"

#include <malloc.h>

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

void trim_heap() noexcept { malloc_trim(0); }

}  // namespace penstock
