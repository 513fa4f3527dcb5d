#pragma once

#include <cstddef>

#include "protocols/json/object_reader.h"

namespace penstock {

/// What a listener of the `gelf` protocol holds at most.
struct GelfOptions {
  std::size_t max_message_bytes = std::size_t{1}
                                  << 20;  ///< of one message, put together, decompressed
  unsigned max_decompressed_ratio = 200;  ///< of output to input; 0: no limit
  std::size_t max_chunk_sets =
      4096;  ///< messages of which chunks are missing, each socket on each loop
  std::size_t max_chunk_bytes = std::size_t{16} << 20;  ///< the chunks of all of those
  JsonLimits limits;

  friend bool operator==(const GelfOptions&, const GelfOptions&) = default;
};

}  // namespace penstock
