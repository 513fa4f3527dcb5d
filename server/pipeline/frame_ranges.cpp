#include "server/pipeline/frame_ranges.h"

#include <algorithm>

namespace penstock {

void merge_ranges(std::vector<FrameRange>& ranges) {
  std::sort(ranges.begin(), ranges.end(),
            [](const FrameRange& a, const FrameRange& b) { return a.first < b.first; });
  std::size_t kept = 0;
  for (const FrameRange& range : ranges) {
    if (kept == 0 || ranges[kept - 1].first + ranges[kept - 1].count < range.first) {
      ranges[kept++] = range;
      continue;
    }
    FrameRange& before = ranges[kept - 1];
    before.count = std::max(before.count, range.first + range.count - before.first);
  }
  ranges.resize(kept);
}

}  // namespace penstock
