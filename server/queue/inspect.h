#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "protocols/core/result.h"
#include "server/files/file_ops.h"
#include "server/queue/checkpoint.h"
#include "server/queue/segment_scan.h"

namespace penstock {

/// One segment file, read from front to end.
struct SegmentReport {
  std::string name;
  std::string problem;  ///< why it cannot be read at all; the rest is empty then
  std::uint64_t file_bytes = 0, used_bytes = 0;
  std::uint64_t first_record = 0, end_record = 0;  ///< by what was found in it
  std::uint64_t batches = 0, records = 0;          ///< whole ones
  std::uint64_t damaged = 0;                       ///< records that do not match their CRC
  std::uint64_t missing = 0;  ///< that should stand between those found, or before the next segment
};

struct QueueReport {
  bool in_use = false;  ///< a process has it open: what is shown may be behind
  bool checkpoint_found = false;
  Checkpoint checkpoint;
  std::vector<SegmentReport> segments;
  std::vector<std::string> set_aside;  ///< names of damaged segments that are kept

  std::uint64_t waiting() const noexcept;  ///< whole records that are not known to be delivered
  bool sound() const noexcept;
};

/// Looks through a queue's directory without changing anything; `each` gets every batch. Fails where the directory
/// cannot be read.
Result<QueueReport> inspect_queue(FileOps& files, const std::string& directory,
                                  OriginTable& origins,
                                  const std::function<void(const StoredBatch&)>& each);

}  // namespace penstock
