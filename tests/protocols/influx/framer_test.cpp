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

TEST_CASE("line protocol framing: what is too long is passed over up to its line's end",
          "[influx]") {
  const auto row = GENERATE(values<test::FramingRow>({
      {"m f=12345678\nm f=1\n", {"m f=123456...", "m f=1"}, 2, 2, ""},
      {"m f=123456\r\nx\n", {"m f=123456", "x"}, 3, 0, ""},
      {"m f=123456\rx\ny\n", {"m f=123456...", "y"}, 2, 2, ""},
      {"m f=\"12345\n7\nx\" 5\ny\n", {"m f=\"12345...", "y"}, 2, 7, ""},
      {"m f=\"1\n345678\"\nm f=1\n", {"m f=\"1\n345...", "m f=1"}, 2, 4, ""},
      {"m f=\"12345\"\nx\n", {"m f=\"12345...", "x"}, 2, 1, ""},
      {"m f=\"1234567\\\"\nx\"\ny\n", {"m f=\"12345...", "y"}, 2, 7, ""},
      {"m f=\"1234\\\"\nx\"\ny\n", {"m f=\"1234\\...", "y"}, 2, 4, ""},
      {"m f=1234567,g=\"\n\"\ny\n", {"m f=123456...", "y"}, 2, 7, ""},
      {"m\\ f\\ a\\ \\ =\"\n\" y\n", {"m\\ f\\ a\\ \\...", "\" y"}, 2, 3, ""},
      {"m f678901\\=\"\n\" y\n", {"m f678901\\...", "\" y"}, 2, 2, ""},
      {"m f67890123\\=\"\n\" y\n", {"m f6789012...", "\" y"}, 2, 4, ""},
      {"m f67890123=\"\n\" y\nz\n", {"m f6789012...", "z"}, 2, 7, ""},
      {"#m f=67890123,g=\"\ny\n", {"#m f=67890...", "y"}, 2, 7, ""},
      {"m f=1 \"67890\n\"x\n", {"m f=1 \"678...", "\"x"}, 2, 2, ""},
  }));
  test::check_row(split_test(LineFramer(10), row.bytes, '"'), row);
}

TEST_CASE("line protocol framing: behind twice the maximum any LF ends a text that is too long",
          "[influx]") {
  const auto row = GENERATE(values<test::FramingRow>({
      {"m f=\"1234567890\n2345\nm f=1\n", {"m f=\"12345...", "m f=1"}, 2, 10, ""},
      {"m f=\"123451234567890\nm f=1\n", {"m f=\"12345...", "m f=1"}, 2, 10, ""},
      {"m f=\"12345123456789\n\"x\ny\n", {"m f=\"12345...", "y"}, 2, 12, ""},
      {"m f=\"1234512345678901234567890", {"m f=\"12345..."}, 0, 20, ""},
      {"m f=\"123451234567890123456\n\"x\n", {"m f=\"12345...", "\"x"}, 2, 16, ""},
      {"m f=\"12345123456789\\\n\"x\n", {"m f=\"12345...", "\"x"}, 2, 10, ""},
  }));
  test::check_row(split_test(LineFramer(10), row.bytes, '"'), row);
}
