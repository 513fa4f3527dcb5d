#pragma once

#include <cstddef>
#include <memory>

#include "protocols/json/object_reader.h"

namespace penstock {

namespace gelf {
struct ChunkMemory;
}

/// What a listener of the `gelf` protocol holds at most.
struct GelfOptions {
  std::size_t max_message_bytes = std::size_t{1}
                                  << 20;  ///< of one message, put together, decompressed
  unsigned max_decompressed_ratio = 200;  ///< of output to input; 0: no limit
  std::size_t max_chunk_sets =
      4096;  ///< messages of which chunks are missing, each socket on each loop
  /// The chunks of the messages of which others are missing, of all decoders of a listener together.
  std::size_t max_chunk_bytes = std::size_t{16} << 20;
  JsonLimits limits;
  /// Shared by all decoders of a listener; null: each has its own. Made by gelf::make_chunk_memory.
  std::shared_ptr<gelf::ChunkMemory> chunk_memory = nullptr;

  friend bool operator==(const GelfOptions&, const GelfOptions&) = default;
};

}  // namespace penstock
