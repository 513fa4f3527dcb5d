#pragma once

#include <string>

#include "protocols/core/batch.h"
#include "tests/pipeline/fakes.h"

namespace penstock::test {

/// Records "FIRST", "FIRST + 1", ... of kOrigin.
inline Batch numbered_batch(std::size_t first, std::size_t count) {
  Batch batch;
  batch.block = std::make_shared<Block>(count * 20);
  for (std::size_t n = first; n < first + count; ++n) {
    const std::string text = std::to_string(n);
    text.copy(batch.block->data() + batch.end, text.size());
    batch.frames.push_back(FrameRef::make(batch.end, text.size(), kFrameWhole));
    batch.end += text.size();
  }
  Segment segment;
  segment.origin = &kOrigin;
  segment.count = static_cast<std::uint32_t>(count);
  batch.segments.push_back(segment);
  batch.charged_bytes = 1;
  return batch;
}

}  // namespace penstock::test
