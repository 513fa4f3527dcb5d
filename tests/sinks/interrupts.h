#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "server/pipeline/sink.h"

namespace penstock::test {

/// A write() that nobody's reading lets go on ends when another thread asks for it, and not with its own pause of a second:
/// in one of several tries at least, as this process may have to wait for a processor.
inline void check_interrupt_ends_write(Sink& sink, const Batch& batch) {
  constexpr int kTries = 10;
  bool at_once = false;
  for (int i = 0; i < kTries && !at_once; ++i) {
    std::thread other([&] { sink.request_interrupt(); });
    const auto begin = std::chrono::steady_clock::now();
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    at_once = std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900);
    other.join();
  }
  CHECK(at_once);
}

}  // namespace penstock::test
