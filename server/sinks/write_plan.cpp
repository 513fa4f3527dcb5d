#include "server/sinks/write_plan.h"

namespace penstock {

void WritePlan::start(const Batch& batch, PathRouter& router, const Encoder& encoder) {
  batch_ = &batch;
  next_.assign(batch.segments.size(), kNoSegment);
  for (std::uint32_t at = 0; at < batch.segments.size(); ++at) {
    if (batch.segments[at].count == 0) continue;
    Part& part = part_for(router.file_for(batch.segments[at]));
    (part.tail == kNoSegment ? part.head : next_[part.tail]) = at;
    part.tail = at;
  }
  const RecordChain chain(batch, next_, encoder);
  for (Part& part : parts_) part.place = chain.begin(part.head);
}

Part& WritePlan::part_for(OutFile& file) {
  if (file.part == kNoPart) {
    file.part = static_cast<std::uint32_t>(parts_.size());
    parts_.push_back({.file = &file});
  }
  return parts_[file.part];
}

void WritePlan::finish() {
  for (const Part& part : parts_) part.file->part = kNoPart;
  parts_.clear();
  batch_ = nullptr;
}

}  // namespace penstock
