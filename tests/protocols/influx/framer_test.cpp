#include "protocols/influx/framer.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using influx::LineFramer;
using test::split_test;
using Frames = std::vector<std::string>;

TEST_CASE("line protocol framing: a LF in a quoted text does not end the line", "[influx]") {
  const auto row = GENERATE(values<test::FramingRow>({
      {"m f=1\nm f=2\n", {"m f=1", "m f=2"}, 2, 0, ""},
      {"m f=1\r\n\r\n\n", {"m f=1", "", ""}, 5, 0, ""},
      {"m f=\"a\nb\"\nm f=1\n", {"m f=\"a\nb\"", "m f=1"}, 2, 0, ""},
      {"m f=\"a\r\nb\"\r\n", {"m f=\"a\r\nb\""}, 2, 0, ""},
      {"m f=\"a\\\"\nb\" 1\n", {"m f=\"a\\\"\nb\" 1"}, 1, 0, ""},
      {"m f=\"a\\\\\"\nm f=1\n", {"m f=\"a\\\\\"", "m f=1"}, 2, 0, ""},
      {"m,t=v g=1,f=\"\n\",h=\"\n\"\nx", {"m,t=v g=1,f=\"\n\",h=\"\n\""}, 1, 0, "x"},
      {"m\\ a,t=\\ \" f=1\nx y=1\n", {"m\\ a,t=\\ \" f=1", "x y=1"}, 2, 0, ""},
      {"m,t=\"v f=1\nm f=2\n", {"m,t=\"v f=1", "m f=2"}, 2, 0, ""},
      {"\"m f=1\nm f=2\n", {"\"m f=1", "m f=2"}, 2, 0, ""},
      {"m f=1\"\nm f=2\n", {"m f=1\"", "m f=2"}, 2, 0, ""},
      {"m \"f=1\nm f=2\n", {"m \"f=1", "m f=2"}, 2, 0, ""},
      {"m f=1 \"\nm f=2\n", {"m f=1 \"", "m f=2"}, 2, 0, ""},
      {"m f\\=\"\nm f=2\n", {"m f\\=\"", "m f=2"}, 2, 0, ""},
      {"# a=\"\nm f=2\n", {"# a=\"", "m f=2"}, 2, 0, ""},
      {"  m   f=\"\n\"\nx", {"  m   f=\"\n\""}, 1, 0, "x"},
      {"m f=\"open\n", {}, 0, 0, "m f=\"open\n"},
  }));
  test::check_row(split_test(LineFramer(100), row.bytes, '"'), row);
}

TEST_CASE("line protocol framing: what is too long is passed over up to the next LF, quoted or not",
          "[influx]") {
  const auto row = GENERATE(values<test::FramingRow>({
      {"m f=12345678\nm f=1\n", {"m f=123456...", "m f=1"}, 2, 2, ""},
      {"m f=123456\r\nx\n", {"m f=123456", "x"}, 3, 0, ""},
      {"m f=123456\rx\ny\n", {"m f=123456...", "y"}, 2, 2, ""},
      {"m f=\"1234567\n8\nm f=1\n", {"m f=\"12345...", "8", "m f=1"}, 3, 2, ""},
      {"m f=\"1\n345678\nm f=1\n", {"m f=\"1\n345...", "m f=1"}, 2, 3, ""},
  }));
  test::check_row(split_test(LineFramer(10), row.bytes, '"'), row);
}
