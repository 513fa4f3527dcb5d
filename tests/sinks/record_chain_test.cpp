#include "server/sinks/record_chain.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>

#include "server/pipeline/frame_ranges.h"
#include "server/sinks/json_encoder.h"
#include "server/sinks/raw_encoder.h"
#include "tests/sinks/batches.h"

using namespace penstock;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"l", "tcp://127.0.0.1:1"};
const RawEncoder kEncoder(config::Newlines::kEscape);

std::vector<std::uint32_t> one_chain(const Batch& batch) {
  std::vector<std::uint32_t> next(batch.segments.size());
  std::iota(next.begin(), next.end(), 1u);
  if (!next.empty()) next.back() = kNoSegment;
  return next;
}

struct Pieces {
  std::string bytes;
  std::vector<std::size_t> sizes;
  std::size_t in_place = 0;  // bytes that lie in the block itself
};

Pieces all_pieces(const Batch& batch, Place at, const RecordChain& chain) {
  Pieces out;
  EncodeBuffer buffer;
  while (at.segment != kNoSegment) {
    const Piece piece = chain.piece(at, buffer);
    REQUIRE_FALSE(piece.bytes.empty());
    out.bytes += piece.bytes;
    out.sizes.push_back(piece.bytes.size());
    if (batch.block->holds(piece.bytes.data())) out.in_place += piece.bytes.size();
    at = piece.end;
  }
  return out;
}

// Lines, opaque records, gaps and an empty segment, one after the other.
Batch mixed() {
  BatchBuilder builder;
  builder.lines(kOrigin, {}, 0, {"one", "two"}).lines(kOrigin, {}, 0, {"three"}).gap("\n");
  builder.lines(kOrigin, {}, 0, {})
      .lines(kOrigin, {}, 0, {"four", "five"})
      .opaque(kOrigin, {}, 0, {"s\nix", "seven"});
  builder.lines(kOrigin, {}, 0, {"eight"});
  return builder.take();
}
const std::string kMixed = "one\ntwo\nthree\nfour\nfive\ns\\nix\nseven\neight\n";

}  // namespace

TEST_CASE("record chain: neighbouring line segments are one piece of the block", "[sinks][chain]") {
  BatchBuilder builder;
  for (int at = 0; at < 100; ++at)
    builder.lines(kOrigin, {}, 0, {"line " + std::to_string(at), "x"});
  const Batch batch = builder.take();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  const Pieces pieces = all_pieces(batch, chain.begin(0), chain);
  CHECK(pieces.sizes.size() == 1);
  CHECK(pieces.in_place == batch.end);
  CHECK(pieces.bytes == std::string(batch.block->data(), batch.end));
}

TEST_CASE("record chain: small runs and opaque records are gathered into one piece",
          "[sinks][chain]") {
  const Batch batch = mixed();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  const Pieces pieces = all_pieces(batch, chain.begin(0), chain);
  CHECK(pieces.bytes == kMixed);
  CHECK(pieces.sizes.size() == 1);
  CHECK(pieces.in_place == 0);
}

TEST_CASE("record chain: going on from any byte gives the same bytes", "[sinks][chain]") {
  const Batch batch = mixed();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  for (std::size_t cut = 0; cut <= kMixed.size(); ++cut) {
    const Place at = chain.advance(chain.begin(0), cut);
    CAPTURE(cut, at.frame, at.skip);
    CHECK(all_pieces(batch, at, chain).bytes == kMixed.substr(cut));
    std::vector<FrameRange> left;
    chain.remaining(at, left);
    merge_ranges(left);
    const auto whole = static_cast<std::size_t>(
        std::count(kMixed.begin(), kMixed.begin() + static_cast<long>(cut), '\n'));
    CHECK(left.size() == (whole == 8 ? 0 : 1));
    if (!left.empty()) CHECK((left[0].first == whole && left[0].count == 8 - whole));
  }
}

TEST_CASE("record chain: JSON goes on from any byte as well, and never as it lies in the block",
          "[sinks][chain][json]") {
  const JsonEncoder encoder;
  const Batch batch = mixed();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, encoder);
  const Pieces whole = all_pieces(batch, chain.begin(0), chain);
  CHECK(whole.in_place == 0);
  CHECK(std::count(whole.bytes.begin(), whole.bytes.end(), '\n') == 8);
  for (std::size_t cut = 0; cut <= whole.bytes.size(); ++cut) {
    const Place at = chain.advance(chain.begin(0), cut);
    CAPTURE(cut, at.frame, at.skip);
    CHECK(all_pieces(batch, at, chain).bytes == whole.bytes.substr(cut));
  }
}

TEST_CASE("record chain: a run over a megabyte is cut between records", "[sinks][chain]") {
  BatchBuilder builder(std::size_t{4} << 20);
  const std::vector<std::string> frames(3000, std::string(999, 'z'));
  const Batch batch = builder.lines(kOrigin, {}, 0, frames).take();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  const Pieces pieces = all_pieces(batch, chain.begin(0), chain);
  CHECK(pieces.bytes == std::string(batch.block->data(), batch.end));
  CHECK(pieces.in_place == batch.end);
  CHECK(pieces.sizes == std::vector<std::size_t>{1'048'000, 1'048'000, 904'000});
}

TEST_CASE("record chain: a single record over a megabyte goes on inside itself", "[sinks][chain]") {
  BatchBuilder builder(std::size_t{4} << 20);
  const Batch batch = builder.lines(kOrigin, {}, 0, {"a", std::string(2'500'000, 'z'), "b"}).take();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  CHECK(all_pieces(batch, chain.begin(0), chain).bytes ==
        std::string(batch.block->data(), batch.end));
}

TEST_CASE("record chain: many small opaque records fill the buffer again and again",
          "[sinks][chain]") {
  BatchBuilder builder(std::size_t{4} << 20);
  const std::vector<std::string> frames(10'000, std::string(99, 'o'));
  const Batch batch = builder.opaque(kOrigin, {}, 0, frames).lines(kOrigin, {}, 0, {"end"}).take();
  const auto next = one_chain(batch);
  const RecordChain chain(batch, next, kEncoder);
  const Pieces pieces = all_pieces(batch, chain.begin(0), chain);
  CHECK(pieces.bytes.size() == 10'000 * 100 + 4);
  CHECK(pieces.bytes.substr(0, 101) == std::string(99, 'o') + "\no");
  CHECK(pieces.sizes.size() == 4);
  CHECK(pieces.bytes.substr(pieces.bytes.size() - 5) == "\nend\n");
}
