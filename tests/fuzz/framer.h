#pragma once

#include <string>
#include <vector>

#include "protocols/core/check.h"
#include "protocols/core/frame.h"
#include "tests/fuzz/input.h"

namespace penstock::fuzz {

struct Framed {
  std::vector<std::string> frames;
  std::size_t framing = 0, cut = 0, tail = 0, rejected = 0;
  bool malformed = false;
  friend bool operator==(const Framed&, const Framed&) = default;
};

/// Runs the framer over `bytes`, which grow by `next_size()` a read, and checks each result: consumed within the input,
/// frame within what was consumed, progress, and a bound on what must be kept.
template <class Framer, class Sizes>
Framed run(Framer framer, std::string_view bytes, std::size_t max, Sizes&& next_size) {
  Framed out;
  std::size_t at = 0, upto = 0;
  while (upto < bytes.size()) {
    upto += std::min(next_size(), bytes.size() - upto);
    for (;;) {
      const std::string_view input = bytes.substr(at, upto - at);
      const FrameResult r = framer.next(input);
      if (r.status == FrameStatus::kNeedMore) {
        PENSTOCK_CHECK(r.consumed == 0 && framer.scanned() <= input.size());
        PENSTOCK_CHECK(input.size() < max + Framer::kExtraBytes);
        break;
      }
      if (r.status == FrameStatus::kMalformed) {
        PENSTOCK_CHECK(*r.why != '\0');
        out.malformed = true;
        return out;
      }
      PENSTOCK_CHECK(r.consumed > 0 && r.consumed <= input.size());
      PENSTOCK_CHECK(r.frame.size() <= max && r.frame.size() + r.framing <= r.consumed);
      PENSTOCK_CHECK(r.frame.empty() ||
                     (r.frame.data() >= input.data() &&
                      r.frame.data() + r.frame.size() <= input.data() + r.consumed));
      const bool passed =
          r.status == FrameStatus::kSkipping || r.status == FrameStatus::kDiscarding;
      PENSTOCK_CHECK(passed ? r.frame.empty() : r.frame.size() + r.framing == r.consumed);
      PENSTOCK_CHECK((*r.why != '\0') == (r.status == FrameStatus::kRejected));
      PENSTOCK_CHECK(!r.line || (r.frame.find('\n') == std::string_view::npos &&
                                 r.frame.data()[r.frame.size()] == '\n'));
      if (r.status == FrameStatus::kRejected) ++out.rejected;
      if (!passed)
        out.frames.emplace_back(r.frame);
      else
        out.cut += r.consumed - r.framing;
      out.framing += r.framing;
      at += r.consumed;
    }
  }
  out.tail = bytes.size() - at;
  return out;
}

/// The same bytes at once, in pieces and one at a time.
template <class Framer>
void check(const Framer& framer, std::string_view bytes, std::size_t max, Cuts cuts) {
  // At once: nothing is kept over, so the bound holds as for any other cut.
  const Framed whole = run(framer, bytes, max, [&] { return bytes.size(); });
  PENSTOCK_CHECK(run(framer, bytes, max, [&] { return cuts.next(); }) == whole);
  PENSTOCK_CHECK(run(framer, bytes, max, [] { return std::size_t{1}; }) == whole);
}

}  // namespace penstock::fuzz
