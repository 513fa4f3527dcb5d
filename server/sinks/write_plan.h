#pragma once

#include <cstdint>
#include <vector>

#include "server/sinks/path_router.h"
#include "server/sinks/record_chain.h"

namespace penstock {

/// What of a batch goes to one file, and how far it has come.
struct Part {
  OutFile* file = nullptr;
  std::uint32_t head = kNoSegment;  ///< first and last segment of its chain
  std::uint32_t tail = kNoSegment;
  Place place;        ///< next byte to write
  bool done = false;  ///< written, and synced where the sink says so

  // Since the file was opened for this part or last synced: what can still be taken back.
  bool in_session = false;
  Place session_place;
  std::int64_t session_size = 0;     ///< the file's size then; regular files only
  std::int64_t session_written = 0;  ///< bytes since

  bool torn() const noexcept { return place.skip != 0; }
  bool written() const noexcept { return place.segment == kNoSegment; }
};

/// The segments of one batch, grouped by file. One batch at a time; its memory is reused.
class WritePlan {
 public:
  void start(const Batch& batch, PathRouter& router, const Encoder& encoder);
  void finish();

  const Batch* batch() const noexcept { return batch_; }  ///< null between batches
  std::vector<Part>& parts() noexcept { return parts_; }
  const std::vector<std::uint32_t>& next() const noexcept { return next_; }

 private:
  Part& part_for(OutFile& file);

  const Batch* batch_ = nullptr;
  std::vector<Part> parts_;
  std::vector<std::uint32_t> next_;  // by segment: the following one of the same part
};

}  // namespace penstock
