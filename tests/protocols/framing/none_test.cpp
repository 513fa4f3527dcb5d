#include "protocols/framing/none.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("none: a stream is one frame up to the maximum, cut anywhere", "[framing]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {"a\nb\n", {}, 0, 0, "a\nb\n"},
      {"12345678", {}, 0, 0, "12345678"},
      {"123456789", {"12345678..."}, 0, 1, ""},
      {"12345678901234567890", {"12345678..."}, 0, 12, ""},
  }));
  check_row(split_test(NoneFramer(8), row.bytes, '#'), row);
}

TEST_CASE("none: the end of the stream is the frame's own", "[framing]") {
  CHECK(NoneFramer(8).tail_kind() == TailKind::kEndsWithStream);
}
