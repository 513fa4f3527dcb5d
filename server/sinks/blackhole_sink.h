#pragma once

#include "server/pipeline/sink.h"

namespace penstock {

/// `type = "blackhole"`: takes everything, keeps nothing. For measuring and for trying a configuration out.
class BlackholeSink final : public Sink {
 public:
  Result<void> open() override { return {}; }
  WriteStatus write(const Batch&) override { return WriteStatus::kDelivered; }
  std::vector<FrameRange> abandon(const Batch&) override { return {}; }
  Result<void> close() override { return {}; }
};

}  // namespace penstock
