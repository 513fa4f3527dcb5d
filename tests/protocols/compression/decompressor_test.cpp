#include "protocols/compression/decompressor.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/protocols/compression/compress.h"

using namespace penstock;
using test::compress;
using test::kPlenty;

namespace {

struct Got {
  std::size_t bytes = 0;
  InflateStatus status = InflateStatus::kNeedsInput;
  std::string why;
};

Got run(Decompressor& decompressor, std::string_view input, std::size_t room = 1000) {
  Got got;
  std::vector<char> space(room);
  do {
    const InflateResult r = decompressor.step(input, space, kPlenty);
    input.remove_prefix(r.consumed);
    got.bytes += r.produced;
    got.status = r.status;
    got.why = r.why;
  } while (got.status == InflateStatus::kNeedsRoom);
  return got;
}

}  // namespace

TEST_CASE("decompressor: a stream may have exactly max_bytes, and not one more", "[compression]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd);
  const std::size_t size = GENERATE(1u, 999u, 1000u, 1001u, 5000u, 200'000u);
  CAPTURE(to_string(coding), size);
  const std::string sent = compress(coding, std::string(size, 'a'));
  Decompressor enough(coding, {.max_bytes = size});
  const Got all = run(enough, sent);
  CHECK(all.status == InflateStatus::kNeedsInput);
  CHECK(all.bytes == size);
  CHECK(enough.inflater().finished());

  Decompressor less(coding, {.max_bytes = size - 1 == 0 ? 1 : size - 1});
  if (size == 1) return;
  const Got some = run(less, sent);
  CHECK(some.status == InflateStatus::kOverLimit);
  CHECK(some.bytes == size - 1);
  CHECK(some.why == "more than max_decompressed_bytes");
}

TEST_CASE("decompressor: the ratio counts behind the grace, and a step late at most",
          "[compression]") {
  const std::string sent = compress(Coding::kGzip, std::string(1'000'000, 'a'));
  const auto ratio = static_cast<std::uint64_t>(1'000'000 / sent.size());
  Decompressor fair(Coding::kGzip, {.max_ratio = ratio + 50});
  CHECK(run(fair, sent).bytes == 1'000'000);
  Decompressor strict(Coding::kGzip, {.max_ratio = ratio / 2, .grace_bytes = 10'000});
  const Got got = run(strict, sent);
  CHECK(got.status == InflateStatus::kOverLimit);
  CHECK(got.why == "more than max_decompressed_ratio");
  CHECK(got.bytes > 10'000);
  CHECK(got.bytes < 600'000);
  Decompressor graced(Coding::kGzip, {.max_ratio = 1, .grace_bytes = 1'000'000});
  CHECK(run(graced, sent).bytes == 1'000'000);
  strict.reset();
  CHECK(run(strict, compress(Coding::kGzip, "short")).bytes == 5);
}
