#include "protocols/compression/coding.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/compression/compress.h"

using namespace penstock;

namespace {

/// What is said of each beginning of `bytes`, up to the first decision.
Coding decided(std::string_view bytes) {
  for (std::size_t n = 1; n <= bytes.size(); ++n) {
    const auto coding = detect_coding(ContentEncoding::kAuto, bytes.substr(0, n));
    if (!coding) {
      CHECK(n <= kMaxUndecidedBytes);
      continue;
    }
    for (std::size_t m = n; m <= bytes.size(); ++m)
      CHECK(detect_coding(ContentEncoding::kAuto, bytes.substr(0, m)) == coding);
    return *coding;
  }
  FAIL("undecided");
  return Coding::kPlain;
}

}  // namespace

TEST_CASE("coding: what the libraries write is known by its first bytes", "[compression]") {
  const Coding coding = GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd);
  const int level = GENERATE(1, 3, 6, 9);
  CAPTURE(to_string(coding), level);
  test::Compressor sender(coding, 0, level);
  std::string bytes = sender.write("some text, some text");
  bytes += sender.finish();
  CHECK(decided(bytes) == coding);
}

TEST_CASE("coding: zlib with smaller windows is known where its header is not text",
          "[compression]") {
  for (int window_log = 9; window_log <= 15; ++window_log) {
    CAPTURE(window_log);
    test::Compressor sender(Coding::kZlib, window_log);
    std::string bytes = sender.write("some text, some text");
    bytes += sender.finish();
    CHECK(decided(bytes) == Coding::kZlib);
  }
}

TEST_CASE("coding: a skippable frame is zstd's too", "[compression]") {
  for (char first = 0x50; first <= 0x5f; ++first)
    CHECK(decided(std::string(1, first) + "\x2a\x4d\x18" + std::string(4, '\0')) == Coding::kZstd);
}

TEST_CASE("coding: text is text", "[compression]") {
  const char* text = GENERATE("<13>Nov 24 19:00:00 host app: x", "{\"a\":1}", "8OO", "(S)",
                              "HK01 down", "XG ", "hC", "x\n", "xyz", "P*M\x19", "P*", "(\xb5/x",
                              "H\r\n", "X\t1", "\x1f\x8a", "24 octets", "(", "x");
  CAPTURE(text);
  const std::string_view front(text);
  const auto coding = detect_coding(ContentEncoding::kAuto, front);
  if (front.size() <= kMaxUndecidedBytes && !coding) return;
  CHECK(coding == Coding::kPlain);
}

TEST_CASE("coding: any byte pair that is text is zlib only as x^", "[compression]") {
  for (int a = 0x20; a < 0x7f; ++a) {
    for (int b = '\t'; b < 0x7f; ++b) {
      if (b > '\r' && b < 0x20) continue;
      const std::string front = {static_cast<char>(a), static_cast<char>(b), 'z', 'z'};
      const bool zlib = detect_coding(ContentEncoding::kAuto, front) == Coding::kZlib;
      if (zlib != (front == "x^zz")) FAIL_CHECK(front);
    }
  }
}

TEST_CASE("coding: one that is named is not looked for", "[compression]") {
  CHECK(detect_coding(ContentEncoding::kNone, "\x1f\x8b") == Coding::kPlain);
  CHECK(detect_coding(ContentEncoding::kGzip, "") == Coding::kGzip);
  CHECK(detect_coding(ContentEncoding::kZlib, "text") == Coding::kZlib);
  CHECK(detect_coding(ContentEncoding::kZstd, "text") == Coding::kZstd);
  CHECK_FALSE(detect_coding(ContentEncoding::kAuto, "").has_value());
}
