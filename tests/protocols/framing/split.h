#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/frame.h"

/// The split test: the same bytes cut anywhere give the same frames and the same counts.
namespace penstock::test {

struct Framed {
  std::vector<std::string> frames;  // truncated ones end with "...", rejected ones begin with "!"
  std::size_t in_frames = 0, framing = 0, cut = 0;  // cut: discarded bytes too
  std::string tail;
  std::string why;
  friend bool operator==(const Framed&, const Framed&) = default;
};

/// Catch2 shows it where a comparison fails.
inline std::ostream& operator<<(std::ostream& out, const Framed& f) {
  for (const std::string& frame : f.frames) out << '[' << frame << ']';
  return out << " framing=" << f.framing << " cut=" << f.cut << " tail=[" << f.tail
             << "] why=" << f.why;
}

/// A row of a table: what the frames, the counts and the tail of `bytes` are.
struct FramingRow {
  std::string bytes;
  std::vector<std::string> frames;
  std::size_t framing, cut;
  std::string tail;
};

inline void check_row(const Framed& got, const FramingRow& row) {
  CAPTURE(row.bytes);
  CHECK(got.frames == row.frames);
  CHECK(got.framing == row.framing);
  CHECK(got.cut == row.cut);
  CHECK(got.tail == row.tail);
}

/// Feeds `framer` with `bytes` cut at `cuts`. What the framer says it has scanned is overwritten with `poison` before the
/// next piece comes, except the last byte (a CR is looked at again) and what `keep` protects: a framer that searched
/// twice would find frames in the poison. The frames are taken from the unharmed bytes, by position.
template <class Framer>
Framed run_framer(Framer framer, std::string_view bytes, const std::vector<std::size_t>& cuts,
                  char poison = '\0') {
  Framed out;
  std::string fed(bytes);
  std::size_t at = 0;
  auto step = [&](std::size_t upto) {
    for (;;) {
      const std::string_view input = std::string_view(fed).substr(at, upto - at);
      const FrameResult r = framer.next(input);
      REQUIRE(r.consumed <= input.size());
      REQUIRE(r.framing + r.frame.size() <= r.consumed);
      if (r.status == FrameStatus::kNeedMore) {
        REQUIRE(r.consumed == 0);
        REQUIRE(framer.scanned() <= input.size());
        if (poison != '\0' && framer.scanned() > 1) {
          for (std::size_t i = 0; i + 1 < framer.scanned(); ++i) fed[at + i] = poison;
        }
        return true;
      }
      if (r.status == FrameStatus::kMalformed) {
        out.why = r.why;
        REQUIRE(!out.why.empty());
        return false;
      }
      REQUIRE(r.consumed > 0);
      const auto offset =
          r.frame.empty() ? 0 : static_cast<std::size_t>(r.frame.data() - fed.data());
      if (!r.frame.empty()) REQUIRE((offset >= at && offset + r.frame.size() <= at + r.consumed));
      const std::string frame(bytes.substr(offset, r.frame.size()));
      if (r.line)
        REQUIRE((frame.find('\n') == std::string::npos && bytes[at + r.consumed - 1] == '\n' &&
                 r.framing == 1));
      if (r.status == FrameStatus::kFrame) out.frames.push_back(frame);
      if (r.status == FrameStatus::kTruncated) out.frames.push_back(frame + "...");
      if (r.status == FrameStatus::kRejected) {
        REQUIRE(*r.why != '\0');
        out.frames.push_back('!' + frame);
      }
      if (r.status == FrameStatus::kFrame || r.status == FrameStatus::kRejected)
        REQUIRE(r.consumed == r.frame.size() + r.framing);
      out.in_frames += r.frame.size();
      out.framing += r.framing;
      if (r.status == FrameStatus::kSkipping || r.status == FrameStatus::kDiscarding)
        out.cut += r.consumed - r.framing;
      at += r.consumed;
    }
  };
  bool alive = true;
  for (std::size_t i = 0; alive && i < cuts.size(); ++i) alive = step(cuts[i]);
  if (alive) step(fed.size());
  out.tail = bytes.substr(at);
  return out;
}

inline std::vector<std::size_t> every_byte(std::size_t size) {
  std::vector<std::size_t> cuts;
  for (std::size_t i = 1; i < size; ++i) cuts.push_back(i);
  return cuts;
}

/// Whole, at every position, at every pair of positions, byte by byte (that also with poison).
template <class Framer>
Framed split_test(const Framer& framer, std::string_view bytes, char poison) {
  CAPTURE(bytes);
  const Framed whole = run_framer(framer, bytes, {});
  if (whole.why.empty())
    REQUIRE(whole.in_frames + whole.framing + whole.cut + whole.tail.size() == bytes.size());
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    CAPTURE(first);
    REQUIRE(run_framer(framer, bytes, {first}, poison) == whole);
    for (std::size_t second = first; bytes.size() <= 80 && second <= bytes.size(); ++second) {
      CAPTURE(second);
      REQUIRE(run_framer(framer, bytes, {first, second}, poison) == whole);
    }
  }
  REQUIRE(run_framer(framer, bytes, every_byte(bytes.size())) == whole);
  REQUIRE(run_framer(framer, bytes, every_byte(bytes.size()), poison) == whole);
  return whole;
}

}  // namespace penstock::test
