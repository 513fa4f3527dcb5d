#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "server/pipeline/sink.h"

namespace penstock::test {

/// A write() that nobody's reading lets go on ends at once when another thread asks for it.
inline void check_interrupt_ends_write(Sink& sink, const Batch& batch) {
  std::thread other([&] { sink.request_interrupt(); });
  const auto begin = std::chrono::steady_clock::now();
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::milliseconds(900));
  other.join();
}

}  // namespace penstock::test
