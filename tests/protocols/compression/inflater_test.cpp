#include "protocols/compression/inflater.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <string>
#include <vector>

#include "protocols/compression/zlib_inflater.h"
#include "protocols/compression/zstd_inflater.h"
#include "tests/protocols/compression/compress.h"

using namespace penstock;
using test::compress;
using test::Compressor;
using test::kPlenty;

namespace {

std::string text(std::size_t size, unsigned seed = 1) {
  std::string bytes;
  while (bytes.size() < size) {
    seed = seed * 1103515245 + 12345;
    bytes += "line " + std::to_string(seed >> 16) + (seed % 3 == 0 ? " again and again\n" : "\n");
  }
  bytes.resize(size);
  return bytes;
}

struct Inflated {
  std::string bytes;
  std::string why;
  std::size_t consumed = 0;
};

/// All of `input`, in pieces of `piece` bytes, through rooms of `room` bytes.
Inflated inflate_all(Inflater& inflater, std::string_view input, std::size_t piece,
                     std::size_t room) {
  Inflated all;
  std::vector<char> space(room);
  for (std::size_t end = 0; end < input.size();) {
    end = std::min(input.size(), end + piece);
    for (;;) {
      const InflateResult r =
          inflater.step(input.substr(all.consumed, end - all.consumed), space, kPlenty);
      all.consumed += r.consumed;
      all.bytes.append(space.data(), r.produced);
      if (all.consumed > end || r.produced > room) throw std::logic_error("too much");
      if (r.status == InflateStatus::kBroken) {
        all.why = r.why;
        return all;
      }
      if (r.status == InflateStatus::kNeedsInput) {
        if (all.consumed != end) throw std::logic_error("input left");
        break;
      }
      if (r.status != InflateStatus::kNeedsRoom) throw std::logic_error("status");
    }
  }
  return all;
}

Inflated inflate_all(Coding coding, std::string_view input, std::size_t piece = kPlenty,
                     std::size_t room = 4096) {
  const auto inflater = make_inflater(coding);
  return inflate_all(*inflater, input, piece, room);
}

Coding any_coding() { return GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd); }

}  // namespace

TEST_CASE("inflater: input cut anywhere and rooms of any size give the same output",
          "[compression][split]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string wanted = text(700) + text(1) + text(3000, 7);
  const std::string sent =
      compress(coding, text(700)) + compress(coding, text(1)) + compress(coding, text(3000, 7));
  for (std::size_t piece = 1; piece <= sent.size(); piece += piece < 40 ? 1 : 37) {
    for (const std::size_t room : {1, 2, 3, 64, 5000}) {
      const Inflated got = inflate_all(coding, sent, piece, room);
      if (got.bytes != wanted || !got.why.empty()) FAIL_CHECK(piece << " " << room << got.why);
    }
  }
  for (std::size_t cut = 0; cut <= sent.size(); ++cut) {
    const auto inflater = make_inflater(coding);
    std::string bytes = inflate_all(*inflater, sent.substr(0, cut), kPlenty, 999).bytes;
    bytes += inflate_all(*inflater, sent.substr(cut), kPlenty, 999).bytes;
    if (bytes != wanted || !inflater->finished()) FAIL_CHECK("cut at " << cut);
  }
}

TEST_CASE("inflater: what was flushed comes out at once, one byte too", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  Compressor sender(coding);
  const auto inflater = make_inflater(coding);
  for (int round = 0; round < 300; ++round) {
    const std::string piece = round % 3 == 0 ? text(5000, static_cast<unsigned>(round)) : "x";
    std::string sent = sender.write(piece);
    sent += sender.flush();
    CHECK(inflate_all(*inflater, sent, kPlenty, 512).bytes == piece);
    CHECK(inflater->flushed());
    CHECK_FALSE(inflater->finished());
  }
  std::string unflushed = sender.write(text(20));
  unflushed += sender.finish();
  CHECK(inflate_all(*inflater, unflushed.substr(0, unflushed.size() - 4), kPlenty, 512).bytes ==
        text(20));
  CHECK_FALSE(inflater->finished());
  CHECK_FALSE(inflater->flushed());
  inflate_all(*inflater, unflushed.substr(unflushed.size() - 4), kPlenty, 512);
  CHECK(inflater->finished());
}

TEST_CASE("inflater: an unfinished member is not finished, wherever it is cut", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string sent = compress(coding, text(300));
  for (std::size_t size = 0; size <= sent.size(); ++size) {
    const auto inflater = make_inflater(coding);
    CHECK(inflate_all(*inflater, sent.substr(0, size), 7, 100).why.empty());
    CHECK(inflater->finished() == (size == 0 || size == sent.size()));
    if (size == 0 || size == sent.size()) CHECK(inflater->flushed());
  }
}

TEST_CASE("inflater: a changed byte is found, or changes nothing", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string wanted = text(2000), sent = compress(coding, wanted);
  unsigned found = 0;
  for (std::size_t at = 0; at < sent.size(); ++at) {
    std::string changed = sent;
    changed[at] = static_cast<char>(changed[at] ^ 0x40);
    const auto inflater = make_inflater(coding);
    const Inflated got = inflate_all(*inflater, changed, 50, 500);
    const bool bad = !got.why.empty() || !inflater->finished();
    found += bad ? 1 : 0;
    // gzip does not protect the name of the operating system and the like.
    if (!bad && got.bytes != wanted) FAIL_CHECK("byte " << at);
    // What is broken stays broken.
    if (!got.why.empty()) CHECK(inflate_all(*inflater, sent, kPlenty, 500).why == got.why);
  }
  CHECK(found > sent.size() * 9 / 10);
}

TEST_CASE("inflater: what stands in front of a bad block is given", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  Compressor sender(coding);
  const std::string sent = sender.send(text(100)) + std::string(1000, '\xff');
  const Inflated got = inflate_all(coding, sent);
  CHECK(got.bytes == text(100));
  CHECK_FALSE(got.why.empty());
}

TEST_CASE("inflater: bytes behind the end are no further member", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string sent = compress(coding, "all of it");
  for (const std::size_t piece : {std::size_t{1}, kPlenty}) {
    const Inflated got = inflate_all(coding, sent + "garbage", piece);
    CHECK(got.bytes == "all of it");
    CHECK(got.why.find("behind the end") != std::string::npos);
    CHECK_FALSE(inflate_all(coding, "garbage", piece).why.empty());
  }
}

TEST_CASE("inflater: behind gzip members zeros may stand, and nothing else", "[compression]") {
  const std::string sent = compress(Coding::kGzip, "a") + std::string(1000, '\0');
  for (const std::size_t piece : {std::size_t{1}, std::size_t{33}, kPlenty}) {
    const auto inflater = make_inflater(Coding::kGzip);
    const Inflated padded = inflate_all(*inflater, sent, piece, 10);
    CHECK(padded.why.empty());
    CHECK(padded.bytes == "a");
    CHECK(padded.consumed == sent.size());
    CHECK(inflater->finished());
    CHECK(inflate_all(*inflater, compress(Coding::kGzip, "b"), piece, 10).why ==
          "bytes behind the zeros at the end");
  }
  CHECK_FALSE(inflate_all(Coding::kGzip, std::string(4, '\0')).why.empty());
}

TEST_CASE("inflater: skippable zstd frames are passed over", "[compression]") {
  const std::string skip = std::string("\x53\x2a\x4d\x18\x05\0\0\0hello", 13);
  const std::string none = std::string("\x50\x2a\x4d\x18\0\0\0\0", 8);
  const std::string sent =
      skip + compress(Coding::kZstd, "a") + none + skip + compress(Coding::kZstd, "b") + skip;
  for (const std::size_t piece : {std::size_t{1}, std::size_t{6}, kPlenty}) {
    const auto inflater = make_inflater(Coding::kZstd);
    const Inflated got = inflate_all(*inflater, sent, piece, 10);
    CHECK(got.bytes == "ab");
    CHECK(got.why.empty());
    CHECK(inflater->finished());
  }
}

TEST_CASE("inflater: a zstd frame gives as much as its header says", "[compression]") {
  const std::string large = compress(Coding::kZstd, text(100'000));
  // 18 bytes by its header: a block of one byte so many times, and the empty last one.
  const auto frame = [](unsigned repeats) {
    const unsigned block = repeats << 3 | 1u << 1;
    std::string bytes("\x28\xb5\x2f\xfd\x80\x45\x12\0\0\0", 10);
    for (const unsigned byte : {block, block >> 8, block >> 16, unsigned{'x'}, 1u, 0u, 0u})
      bytes += static_cast<char>(byte);
    return bytes;
  };
  const bool used_before = GENERATE(false, true);  // with larger buffers, from a larger frame
  const std::size_t piece = GENERATE(1u, 1000u), room = GENERATE(1u, 64u, 5000u);
  CAPTURE(used_before, piece, room);
  const auto inflated = [&](unsigned repeats) {
    const auto inflater = make_inflater(Coding::kZstd);
    if (used_before) inflate_all(*inflater, large, 1000, 1000);
    return inflate_all(*inflater, frame(repeats), piece, room);
  };
  CHECK(inflated(18).why.empty());
  CHECK(inflated(18).bytes == std::string(18, 'x'));
  CHECK(inflated(17).why == "its content is not as long as its header says");
  const Inflated longer = inflated(4095);
  CHECK_FALSE(longer.why.empty());
  CHECK(std::string(18, 'x').starts_with(longer.bytes));
}

TEST_CASE("inflater: a zlib stream that wants a dictionary says so", "[compression]") {
  const std::string sent("\x78\xf9\x00\x00\x00\x01\x00", 7);
  CHECK(inflate_all(Coding::kZlib, sent, 1).why == "it needs a preset dictionary");
}

TEST_CASE("inflater: memory is asked for before it is taken", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string sent = compress(coding, text(300'000));
  for (const std::size_t piece : {std::size_t{1}, kPlenty}) {
    const auto inflater = make_inflater(coding);
    CHECK(inflater->memory_bytes() == 0);
    std::vector<char> room(1000);
    std::size_t granted = 0, asked = 0;
    for (std::string_view rest = sent; !rest.empty();) {
      const InflateResult r = inflater->step(rest.substr(0, piece), room, granted);
      rest.remove_prefix(r.consumed);
      if (inflater->memory_bytes() > granted) FAIL(inflater->memory_bytes());
      if (r.status != InflateStatus::kNeedsMemory) continue;
      REQUIRE(r.memory_bytes > granted);
      CHECK(inflater->step(rest, room, granted).status == InflateStatus::kNeedsMemory);  // still
      granted = r.memory_bytes;
      ++asked;
    }
    CHECK(asked == 1);
    CHECK(granted <= (coding == Coding::kZstd ? ZstdInflater::memory_for(std::size_t{2} << 20)
                                              : ZlibInflater::kMemoryBytes));
    CHECK(inflater->trim());
    CHECK(inflater->memory_bytes() == 0);
    CHECK(inflate_all(*inflater, sent, kPlenty, 5000).bytes == text(300'000));  // begins again
  }
}

TEST_CASE("inflater: a zstd window costs what was said, and none is larger than 8 MiB",
          "[compression]") {
  const int window_log = GENERATE(10, 17, 20, 23, 24);
  Compressor sender(Coding::kZstd, window_log);
  std::string sent = sender.write(text(500'000));
  sent += sender.flush();
  ZstdInflater inflater;
  const Inflated got = inflate_all(inflater, sent, 1000, 5000);
  if (window_log == 24) {
    CHECK(got.why == "its window is larger than 8 MiB");
    CHECK(inflater.memory_bytes() == 0);
    return;
  }
  CHECK(got.bytes == text(500'000));
  CHECK(inflater.memory_bytes() > std::size_t{1} << window_log);
  CHECK(inflater.memory_bytes() <= ZstdInflater::memory_for(std::size_t{1} << window_log));
  CHECK_FALSE(inflater.trim());
  inflater.reset();
  CHECK(inflater.trim());
}

TEST_CASE("inflater: asked again and again without input it stays as it is", "[compression]") {
  const Coding coding = any_coding();
  CAPTURE(to_string(coding));
  const std::string sent = compress(coding, text(100));
  const auto inflater = make_inflater(coding);
  std::string bytes = inflate_all(*inflater, sent.substr(0, 20), kPlenty, 100).bytes;
  std::vector<char> room(100);
  for (int i = 0; i < 100; ++i) {
    const InflateResult r = inflater->step({}, room, kPlenty);
    CHECK(r.status == InflateStatus::kNeedsInput);
    CHECK(r.produced == 0);
  }
  bytes += inflate_all(*inflater, sent.substr(20), kPlenty, 100).bytes;
  CHECK(bytes == text(100));
  inflater->reset();
  CHECK(inflate_all(*inflater, sent, kPlenty, 100).bytes == text(100));
}
