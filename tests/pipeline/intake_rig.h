#pragma once

#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "tests/pipeline/fakes.h"

namespace penstock::test {

/// An intake with one required route, and its queue emptied by hand.
struct IntakeRig {
  explicit IntakeRig(std::size_t high_bytes = std::size_t{64} << 20)
      : queue(high_bytes, {}), intake({{&queue, &route}}, pool, cell, false) {}

  std::vector<QueueEntry> take_all() {
    std::vector<QueueEntry> all;
    while (auto popped = queue.pop(std::chrono::milliseconds(0))) {
      REQUIRE(queue.claim(*popped));
      queue.done(*popped);
      all.push_back(*popped);
    }
    return all;
  }
  std::vector<std::string> take_records() {
    std::vector<std::string> all;
    for (const auto& popped : take_all())
      for (auto& record : records(popped.batch->batch())) all.push_back(std::move(record));
    return all;
  }

  BlockPool pool;
  BatchCell cell;
  UrlCell url_cell;
  Account account{kOrigin, url_cell};  // of writes without a FakeConnection
  SinkQueue queue;
  RouteLedger route{"l", "s"};
  Intake intake;
};

/// `count` lines of `size` bytes each, the LF not counted.
inline std::string lines(std::size_t count, std::size_t size, char letter = 'x') {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += std::string(size, letter) + '\n';
  return all;
}

}  // namespace penstock::test
