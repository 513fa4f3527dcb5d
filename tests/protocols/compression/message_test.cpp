#include "protocols/compression/message.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/compression/compress.h"

using namespace penstock;
using test::compress;

namespace {

constexpr DecompressLimits kLimits{
    .max_bytes = std::size_t{1} << 20, .max_ratio = 200, .grace_bytes = std::size_t{64} << 10};

}  // namespace

TEST_CASE("message: each is decompressed on its own, good and bad in turn", "[compression]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd);
  CAPTURE(to_string(coding));
  MessageDecompressor messages({.max_bytes = std::size_t{1} << 20});
  for (const std::size_t size : {0u, 1u, 100u, 65'535u, 65'536u, 65'537u}) {
    const std::string text(size, 'm'), sent = compress(coding, text);
    const auto whole = messages.decompress(coding, sent);
    CHECK(whole.status == InflateStatus::kNeedsInput);
    CHECK((whole.bytes == text));  // not to be printed
    CHECK((messages.decompress(coding, sent + sent).bytes == text + text));
    const auto cut = messages.decompress(coding, sent.substr(0, sent.size() - 1));
    CHECK(cut.status == InflateStatus::kBroken);
    CHECK(std::string(cut.why) == "it ends in the middle");
    CHECK(messages.decompress(coding, "garbage").status == InflateStatus::kBroken);
  }
}

TEST_CASE("message: a bomb ends at its limit, and the next one is fine", "[compression]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd);
  CAPTURE(to_string(coding));
  MessageDecompressor messages(kLimits);
  const std::string bomb = compress(coding, std::string(std::size_t{64} << 20, '\0'));
  CHECK(messages.decompress(coding, bomb).status == InflateStatus::kOverLimit);
  CHECK(messages.memory_bytes() < std::size_t{12} << 20);
  CHECK(messages.decompress(coding, compress(coding, "good")).bytes == "good");
  messages.trim();
  CHECK(messages.memory_bytes() <= std::size_t{64} << 10);
  CHECK(messages.decompress(coding, compress(coding, "good")).bytes == "good");
}

TEST_CASE("message: exactly the limit passes", "[compression]") {
  MessageDecompressor messages({.max_bytes = 100'000});
  CHECK(messages.decompress(Coding::kGzip, compress(Coding::kGzip, std::string(100'000, 'x')))
            .bytes.size() == 100'000);
  CHECK(messages.decompress(Coding::kGzip, compress(Coding::kGzip, std::string(100'001, 'x')))
            .status == InflateStatus::kOverLimit);
}
