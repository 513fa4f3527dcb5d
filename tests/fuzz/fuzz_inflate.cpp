#include <array>
#include <string>

#include "protocols/compression/decompressor.h"
#include "protocols/compression/message.h"
#include "protocols/core/check.h"
#include "tests/fuzz/input.h"

// Any bytes as each coding: cut anywhere and through rooms of any size they give the same output and the same end, and
// never more memory than was granted.
namespace {

using namespace penstock;

constexpr std::size_t kGrant = std::size_t{9} << 20;
constexpr std::size_t kMaxOutput = std::size_t{4} << 10;

struct End {
  std::string bytes;
  bool broken = false, finished = false, over = false;
};

/// All that `decompressor` makes of `piece`; false once it has ended.
bool feed(Decompressor& decompressor, std::string_view piece, std::size_t room_bytes, End& end) {
  std::array<char, 64> space;
  const std::span<char> room(space.data(), room_bytes);
  for (;;) {
    const InflateResult r = decompressor.step(piece, room, kGrant);
    PENSTOCK_CHECK(r.consumed <= piece.size() && r.produced <= room.size());
    PENSTOCK_CHECK(decompressor.inflater().memory_bytes() <= kGrant);
    piece.remove_prefix(r.consumed);
    end.bytes.append(space.data(), r.produced);
    end.broken = r.status == InflateStatus::kBroken;
    end.over = r.status == InflateStatus::kOverLimit;
    if (r.status == InflateStatus::kNeedsRoom) continue;
    PENSTOCK_CHECK(r.status != InflateStatus::kNeedsMemory);
    if (r.status == InflateStatus::kNeedsInput) PENSTOCK_CHECK(piece.empty());
    return r.status == InflateStatus::kNeedsInput;
  }
}

End run(Decompressor& decompressor, std::string_view input, fuzz::Cuts* cuts) {
  End end;
  decompressor.reset();
  bool more = true;
  while (more && !input.empty()) {
    const std::size_t size = cuts == nullptr ? input.size() : std::min(cuts->next(), input.size());
    const std::size_t room = cuts == nullptr ? 64 : std::min<std::size_t>(cuts->next(), 64);
    more = feed(decompressor, input.substr(0, size), room, end);
    input.remove_prefix(size);
  }
  end.finished = decompressor.inflater().finished();
  return end;
}

/// One for each coding: what a run has left in it must not be seen by the next one, as in the server.
Decompressor& decompressor_of(Coding coding) {
  constexpr DecompressLimits kLimits = {.max_bytes = kMaxOutput};
  static std::array<Decompressor, 3> all = {Decompressor(Coding::kGzip, kLimits),
                                            Decompressor(Coding::kZlib, kLimits),
                                            Decompressor(Coding::kZstd, kLimits)};
  return all[static_cast<std::size_t>(coding) - static_cast<std::size_t>(Coding::kGzip)];
}

}  // namespace

// Bytes 0 and 1: coding and cuts; the rest is the stream.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::Input input(data, size);
  const auto coding = static_cast<Coding>(1 + input.byte() % 3);
  fuzz::Cuts cuts(input.byte());
  const std::string_view bytes = input.payload();
  Decompressor& decompressor = decompressor_of(coding);
  const End whole = run(decompressor, bytes, nullptr), pieces = run(decompressor, bytes, &cuts);
  // What is broken may be found before or behind the limit: at once where a decoder is given much, or has small buffers
  // left from what it decompressed before.
  PENSTOCK_CHECK((pieces.broken || pieces.over) == (whole.broken || whole.over));
  const bool broken = pieces.broken || whole.broken;
  PENSTOCK_CHECK(pieces.bytes.starts_with(whole.bytes) || whole.bytes.starts_with(pieces.bytes));
  if (!broken) PENSTOCK_CHECK(pieces.bytes == whole.bytes);
  // Of one byte too many a decoder may know or not that it was the last; nobody asks.
  if (!broken && !whole.over) PENSTOCK_CHECK(pieces.finished == whole.finished);

  static MessageDecompressor messages({.max_bytes = kMaxOutput});
  const auto message = messages.decompress(coding, bytes);
  const bool good = message.status == InflateStatus::kNeedsInput;
  PENSTOCK_CHECK(good == (!whole.broken && !whole.over && whole.finished));
  if (good) PENSTOCK_CHECK(message.bytes == whole.bytes);
  (void)detect_coding(ContentEncoding::kAuto, bytes);
  return 0;
}
