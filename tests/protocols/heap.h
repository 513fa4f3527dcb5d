#pragma once

#include <malloc.h>

#include <cstddef>

namespace penstock::test {

/// What malloc has given out; 0 under sanitizers, which have one of their own.
inline std::size_t heap_bytes() noexcept {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

}  // namespace penstock::test
