#include "protocols/lumberjack/frame.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/lumberjack/support.h"

using namespace penstock::lumberjack;
namespace test = penstock::test;
using Status = FrameScan::Status;

namespace {

constexpr FrameLimits kLimits{.max_event_bytes = 100, .max_pairs = 4, .max_compressed_bytes = 100};

FrameScan scan(std::string_view bytes) {
  Frame frame;
  return scan_frame(bytes, kLimits, frame);
}

}  // namespace

TEST_CASE("lumberjack frame: each type, and how much more each needs", "[lumberjack]") {
  const auto bytes = GENERATE(values<std::string>({
      test::window(3),
      test::window(3, '1'),
      test::json(7, R"({"m":1})"),
      test::data(7, {"line", "hi", "", ""}),
      test::data(7, {}),
      test::raw_compressed("12345"),
      test::raw_compressed(""),
  }));
  Frame frame;
  const FrameScan whole = scan_frame(bytes + "more", kLimits, frame);
  REQUIRE(whole.status == Status::kWhole);
  CHECK(whole.bytes == bytes.size());
  CHECK(frame.version == bytes[0]);
  CHECK(static_cast<char>(frame.type) == bytes[1]);
  for (std::size_t cut = 0; cut < bytes.size(); ++cut) {
    CAPTURE(cut);
    const FrameScan part = scan(bytes.substr(0, cut));
    REQUIRE(part.status == Status::kNeedMore);
    REQUIRE(part.bytes > cut);
    REQUIRE(part.bytes <= bytes.size());
  }
}

TEST_CASE("lumberjack frame: what is none", "[lumberjack][malformed]") {
  CHECK(scan("3W").status == Status::kMalformed);
  CHECK(scan(std::string(1, '\0')).status == Status::kMalformed);
  CHECK(scan("2X").status == Status::kMalformed);
  CHECK(scan(test::ack(1)).status == Status::kMalformed);
  CHECK(scan("1J" + test::number(1) + test::sized("{}")).status == Status::kMalformed);
}

TEST_CASE("lumberjack frame: lengths of 4 GiB are refused before their bytes come",
          "[lumberjack][malformed]") {
  const std::string most = test::number(0xffffffff);
  CHECK(scan("2J" + test::number(1) + most).status == Status::kTooLong);
  CHECK(scan("2C" + most).status == Status::kTooLong);
  CHECK(scan("2D" + test::number(1) + most).status == Status::kTooLong);
  CHECK(scan("2D" + test::number(1) + test::number(1) + most).status == Status::kTooLong);
  CHECK(scan("2D" + test::number(1) + test::number(1) + test::sized("k") + most).status ==
        Status::kTooLong);
  CHECK(scan("2D" + test::number(1) + test::number(5)).status == Status::kTooLong);
  CHECK(scan("2D" + test::number(1) + test::number(2) + test::sized(std::string(60, 'k')) +
             test::number(60))
            .status == Status::kTooLong);
}
