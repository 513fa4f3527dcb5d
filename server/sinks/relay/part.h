#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "server/sinks/record_chain.h"

namespace penstock {

class Upstream;

/// The records of one batch that go to one receiver, in order: the chain of segments from `at` on. Owned by the sink, held by
/// an upstream while that tries to deliver it.
struct RelayPart {
  const Batch* batch = nullptr;
  const std::vector<std::uint32_t>* next = nullptr;  ///< the batch's chains, see RecordChain
  std::vector<std::size_t>* too_long = nullptr;  ///< frames of the batch that fit into no message
  Place at;  ///< in front of the first record that is not known to have arrived
  Upstream* upstream = nullptr;
  const Upstream* first = nullptr;  ///< that had it in hand; null: none yet
  bool arrived = false;             ///< all of it

  // Of the connection that it is written to; offsets count the bytes written there.
  bool begun = false, written = false;
  std::uint64_t begin = 0;  ///< offset of its first byte
  std::uint64_t end = 0;    ///< behind its last one, when written
  struct Mark {
    std::uint64_t offset = 0;
    Place place;
  };
  std::deque<Mark> marks;  ///< of messages: places behind whole ones, by offset

  /// Behind the last message that is whole within the part's first `bytes` bytes.
  Place last_mark(std::uint64_t bytes) const {
    Place place = at;
    for (const Mark& mark : marks) {
      if (mark.offset > begin + bytes) break;
      place = mark.place;
    }
    return place;
  }
};

}  // namespace penstock
