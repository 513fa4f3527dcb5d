#include "protocols/compression/zstd_frame.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/compression/compress.h"

using namespace penstock;
using Status = ZstdHeader::Status;

namespace {

std::string bytes(std::initializer_list<int> values) {
  std::string text;
  for (const int value : values) text += static_cast<char>(value);
  return text;
}

}  // namespace

TEST_CASE("zstd header: window and content size in all their lengths", "[compression]") {
  struct Row {
    std::string after_magic;
    std::uint64_t window_bytes;
    std::optional<std::uint64_t> content_bytes = std::nullopt;
  };
  const Row row = GENERATE(
      Row{bytes({0x00, 0x00}), 1024}, Row{bytes({0x00, 0x07}), 1024 + 7 * 128},
      Row{bytes({0x04, 0x58}), 2u << 20}, Row{bytes({0x00, 0xff}), (7ull << 41) / 8 + (1ull << 41)},
      Row{bytes({0x20, 0x2a}), 42, 42}, Row{bytes({0x60, 0x00, 0x01}), 512, 512},
      Row{bytes({0xa0, 0x01, 0x00, 0x00, 0x80}), 0x80000001, 0x80000001},
      Row{bytes({0xe0, 1, 2, 3, 4, 5, 6, 7, 8}), 0x0807060504030201, 0x0807060504030201},
      Row{bytes({0x21, 0xaa, 0x2a}), 42, 42}, Row{bytes({0x22, 0xaa, 0xaa, 0x2a}), 42, 42},
      Row{bytes({0x23, 0xaa, 0xaa, 0xaa, 0xaa, 0x2a}), 42, 42},
      Row{bytes({0x40, 0x00, 0x01, 0x00}), 1024, 257},
      Row{bytes({0xc3, 0x08, 9, 9, 9, 9, 1, 1, 1, 1, 1, 1, 1, 1}), 2048, 0x0101010101010101});
  const std::string header = bytes({0x28, 0xb5, 0x2f, 0xfd}) + row.after_magic;
  REQUIRE(header.size() <= kMaxZstdHeaderBytes);
  for (std::size_t n = 0; n < header.size(); ++n)
    CHECK(parse_zstd_header(header.substr(0, n)).status == Status::kNeedsMore);
  CHECK(parse_zstd_header(header).status == Status::kFrame);
  CHECK(parse_zstd_header(header + "more").window_bytes == row.window_bytes);
  CHECK(parse_zstd_header(header + "more").content_bytes == row.content_bytes);
}

TEST_CASE("zstd header: other beginnings are told as soon as they differ", "[compression]") {
  CHECK(parse_zstd_header("x").status == Status::kNone);
  CHECK(parse_zstd_header("\x28\xb5\x2f\xfc").status == Status::kNone);
  CHECK(parse_zstd_header("\x28x").status == Status::kNone);
  CHECK(parse_zstd_header("\x5f\x2a\x4d").status == Status::kNeedsMore);
  CHECK(parse_zstd_header("\x5f\x2a\x4d\x18").status == Status::kSkippable);
  CHECK(parse_zstd_header("\x60\x2a\x4d\x18").status == Status::kNone);
}
