#include "server/pipeline/frame_ranges.h"

#include <catch2/catch.hpp>
#include <vector>

using namespace penstock;

TEST_CASE("merge ranges: sorted; those that touch or overlap are one", "[frame_ranges]") {
  std::vector<FrameRange> ranges = {{5, 2}, {0, 3}, {7, 1}, {3, 1}, {10, 5}, {11, 1}, {12, 4}};
  merge_ranges(ranges);
  REQUIRE(ranges.size() == 3);
  CHECK((ranges[0].first == 0 && ranges[0].count == 4));
  CHECK((ranges[1].first == 5 && ranges[1].count == 3));
  CHECK((ranges[2].first == 10 && ranges[2].count == 6));
}
