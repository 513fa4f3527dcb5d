#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "server/pipeline/sink.h"

namespace penstock {

/// A batch between write() and its end.
struct HttpHeld {
  const Batch* batch = nullptr;
  std::size_t left = 0;       ///< frames that are neither taken nor refused
  std::int64_t shift_ns = 0;  ///< of its times: see DistinctTimes
  std::vector<FrameRange>
      waiting;  ///< of those: what is not in the sink's queue, until write() puts it there
  std::vector<Undeliverable> losses;  ///< what has no form, or was refused
};

/// Frames of one batch that go into one request.
struct HttpPiece {
  HttpHeld* held = nullptr;
  FrameRange frames;
};

/// Requests that come of one that was refused share how many more may be tried.
using HttpTries = std::shared_ptr<int>;

/// What is to be sent in one request.
struct HttpWork {
  std::deque<HttpPiece> pieces;  ///< in order, none empty
  HttpTries tries;               ///< null: nothing of it was refused yet
};

std::size_t count_frames(const HttpWork& work) noexcept;

/// The `index`th frame of `work`, as a piece of one.
HttpPiece frame_of(const HttpWork& work, std::size_t index) noexcept;

/// The frames [first, first + count) of `work`.
HttpWork part_of(const HttpWork& work, std::size_t first, std::size_t count);

/// Adds a range so that they stay in order and do not touch each other.
void add_range(std::vector<FrameRange>& ranges, FrameRange range);

}  // namespace penstock
