#pragma once

#include <string>
#include <utility>

#include "tests/net/ack_decoder.h"
#include "tests/net/world.h"

namespace penstock::test {

inline const std::string kHello = "hello\n";

/// `setup` with the protocol that answers.
inline Setup with_acks(Setup setup, AckOptions options = {}) {
  setup.options.make_decoder = [options] { return std::make_unique<AckDecoder>(options); };
  setup.acks = true;
  return setup;
}

/// `frame FIRST` to `frame LAST`, a line each.
inline std::string lines(std::size_t first, std::size_t last) {
  std::string all;
  for (std::size_t n = first; n <= last; ++n) all += "frame " + std::to_string(n) + "\n";
  return all;
}

}  // namespace penstock::test
