#pragma once

#include <vector>

#include "server/pipeline/sink.h"

namespace penstock {

/// Sorts `ranges` and joins those that touch or overlap.
void merge_ranges(std::vector<FrameRange>& ranges);

}  // namespace penstock
