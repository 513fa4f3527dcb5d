#include "server/config/suggest.h"

#include <catch2/catch.hpp>

using namespace penstock::config;

TEST_CASE("edit distance counts insertions, deletions, replacements and swaps", "[config]") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("idle_timout", "idle_timeout") == 1);
  CHECK(edit_distance("nmae", "name") == 1);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("ca", "abc") ==
        3);  // optimal string alignment: no edit between swapped letters
}

TEST_CASE("the nearest candidate is suggested, nothing when none is near", "[config]") {
  const std::vector<std::string> names = {
      "name", "listen", "framing", "max_frame_bytes", "queue.max_bytes", "gro"};
  CHECK(closest("nmae", names) == "name");
  CHECK(closest("Framing", names) == "framing");
  CHECK(closest("max-frame-bytes", names) == "max_frame_bytes");
  CHECK(closest("max_bytes", names) == "queue.max_bytes");
  CHECK(closest("gr", names) == "gro");
  CHECK(closest("rotate", names).empty());
  CHECK(closest("x", names).empty());
  CHECK(closest("", names).empty());
  CHECK(closest("name", {}).empty());
  CHECK(closest(std::string(100'000, 'n'), names).empty());
  CHECK(closest("a", {"b"}).empty());
  CHECK(did_you_mean("nmae", names) == ", did you mean \"name\"?");
  CHECK(did_you_mean("rotate", names).empty());
}
