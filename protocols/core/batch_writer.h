#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "protocols/core/batch.h"
#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/core/reason.h"

namespace penstock {

/// What one call into a decoder did, in the terms of the ledger (DESIGN.md section 7). Plain sums; the caller moves
/// them into the listener's counters. Each member is counted where it happens, none is derived from another.
struct FrameCounts {
  std::uint64_t compressed_bytes = 0;    ///< taken by a decompressor
  std::uint64_t decompressed_bytes = 0;  ///< what came out of it, and is counted below
  std::uint64_t truncated_streams = 0;   ///< compressed streams that ended in the middle
  std::uint64_t in_frames_bytes = 0;
  std::uint64_t framing_bytes = 0;  ///< delimiters, CR, counts
  std::uint64_t cut_bytes = 0;      ///< what truncation removed
  std::array<std::uint64_t, kReasonCount> discarded_bytes{};
  std::uint64_t frames = 0;  ///< frames found, whatever became of them
  std::uint64_t decoded = 0;
  std::uint64_t empty = 0;
  std::uint64_t truncated = 0;   ///< of the decoded ones
  std::uint64_t partial = 0;     ///< of the decoded ones
  std::uint64_t unparsed = 0;    ///< of the decoded ones
  std::uint64_t aggregated = 0;  ///< taken into an aggregate, of which flushes make records
  std::uint64_t unaggregated =
      0;  ///< of the decoded ones: an aggregate's limits had no room for them
  std::array<std::uint64_t, kReasonCount> rejected{};
  std::uint64_t flushed =
      0;  ///< records that flushes of an aggregate made: of no frame of their own
  std::uint64_t events = 0;  ///< records added to the batch: decoded ones and flushed ones

  FrameCounts& operator+=(const FrameCounts& other) noexcept;
};

/// Takes what a decoder refuses, with where and when it came from; the quarantine stands behind it.
struct RejectHandler {
  virtual void on_reject(Reason reason, std::string_view bytes, const Problem& problem,
                         const Segment& segment) = 0;

 protected:
  ~RejectHandler() = default;
};

/// From whom and when bytes came that a decoder has kept since.
struct Receipt {
  Peer peer;
  std::int64_t time_ns = 0;  ///< as Segment::time_ns

  friend bool operator==(const Receipt&, const Receipt&) = default;
};

/// Whether a sink may write frames as one piece: kLine promises that the frame holds no LF and, where it lies in
/// the open block, that one LF stands right behind it.
enum class Shape : bool { kLine, kOpaque };

/// A decoder's way out: adds frames to the open batch. Lives for one call. Views inside the open block are indexed in
/// place; others are copied behind `input_end`, with a LF, where the block has room for them, else among the fields.
class BatchWriter {
 public:
  /// `input_end` is the end of the input that lies in the block, or the block's fill where the input lies elsewhere:
  /// copies go behind it. The last segment of `batch` must be open and is extended; `lines` of an empty one is set here.
  BatchWriter(Batch& batch, char* input_end, FrameCounts& counts, RejectHandler& rejects) noexcept;

  /// Adds one record and counts it as decoded. `flags` are FrameFlag bits.
  void add(std::string_view frame, std::uint8_t flags, Shape shape);

  /// Begins the event that `frame` becomes; one at a time, and nothing else is added before its end.
  FieldWriter begin_event(std::string_view frame, EventShape shape) {
    return FieldWriter(batch_.events.fields, frame, shape);
  }

  /// Adds the frame of `event` with its fields. `wire_bytes` are the input's bytes that it stands for, where those are
  /// not the frame itself (it was unpacked, or is written anew).
  void add_event(FieldWriter& event, std::uint8_t flags, Shape form) {
    add_event(event, flags, form, event.frame().size());
  }
  void add_event(FieldWriter& event, std::uint8_t flags, Shape form, std::size_t wire_bytes);

  /// Adds an event that a flush has made of many frames, its bytes rendered by whoever made it. Counts as flushed, not as
  /// a frame.
  void add_flushed(FieldWriter& event);

  /// Counts a frame of `bytes` that an aggregate has taken.
  void take_aggregated(std::size_t bytes) noexcept {
    ++counts_.frames;
    ++counts_.aggregated;
    counts_.in_frames_bytes += bytes;
  }

  /// Adds a frame of which no event can be made: flagged, with the reason in its event.
  void add_unparsed(std::string_view frame, std::uint8_t flags, Shape form, const Problem& problem);

  /// Counts a frame without bytes, which is no record.
  void skip_empty() noexcept {
    ++counts_.frames;
    ++counts_.empty;
  }

  /// Counts a frame that is no record, and its bytes, and hands the bytes to the quarantine.
  void reject(Reason reason, std::string_view bytes, const Problem& problem = {});

  /// The same for what came in an earlier call, on the same connection or socket.
  void reject(Reason reason, std::string_view bytes, const Problem& problem,
              const Receipt& receipt);

  /// Counts the same, but nothing goes to the quarantine: the operator asked for `drop`.
  void reject_unseen(Reason reason, std::size_t bytes) noexcept;

  /// Counts `bytes` that belong to a frame already rejected for `reason`.
  void discard(Reason reason, std::size_t bytes) noexcept {
    counts_.discarded_bytes[static_cast<std::size_t>(reason)] += bytes;
  }

  /// Something that an operator should see: the first one of a call goes to the log. The stream goes on.
  void note(const Problem& problem) noexcept {
    if (!problem_) problem_ = problem;
  }
  const Problem& problem() const noexcept { return problem_; }
  /// Who caused it, where that is somebody of an earlier call and not of this one.
  const std::optional<Peer>& problem_peer() const noexcept { return problem_peer_; }

  FrameCounts& counts() noexcept { return counts_; }
  const Segment& segment() const noexcept { return segment_; }

  /// The id under which the completion of what was added in this call will be reported. Calling it asks for the
  /// report: the connection's Decoder::on_complete.
  BatchId acknowledge_later() noexcept {
    acknowledge_ = true;
    return batch_.id;
  }
  bool acknowledges() const noexcept { return acknowledge_; }

  /// First byte of the block behind all that was added or given as input.
  char* end() const noexcept { return end_; }

 private:
  const char* copy(std::string_view frame, Shape& shape);
  void index_event(FieldWriter& event);
  void put(std::string_view frame, std::uint8_t flags, Shape shape);
  void put_in_fields(std::string_view frame, std::uint8_t flags);
  bool fits_in_block(std::size_t bytes) const noexcept;
  void count(std::size_t frame_bytes, std::uint8_t flags) noexcept;

  Batch& batch_;
  Segment& segment_;  // the last one: no segment is opened while the writer lives
  char* end_;
  FrameCounts& counts_;
  RejectHandler& rejects_;
  const char* next_line_;  // where the next frame must begin for the segment to stay in one piece
  bool acknowledge_ = false;
  Problem problem_;
  std::optional<Peer> problem_peer_;
};

[[gnu::always_inline]] inline void BatchWriter::add(std::string_view frame, std::uint8_t flags,
                                                    Shape shape) {
  put(frame, flags, shape);
  count(frame.size(), flags);
}

[[gnu::always_inline]] inline void BatchWriter::put(std::string_view frame, std::uint8_t flags,
                                                    Shape shape) {
  const char* at = frame.data();
  if (!batch_.block->holds(at)) [[unlikely]] {
    if (!fits_in_block(frame.size())) return put_in_fields(frame, flags);
    at = copy(frame, shape);
  }
  if (shape != Shape::kLine || (at != next_line_ && segment_.count != 0)) segment_.lines = false;
  next_line_ = at + frame.size() + 1;
  const auto offset = static_cast<std::uint64_t>(at - batch_.block->data());
  // The masks only tell the compiler that nothing is lost: blocks are under 4 GiB, frames at most kMaxFrameBytes.
  batch_.frames.push_back(
      {.offset = offset & 0xffff'ffff, .size = frame.size() & 0x1ff'ffff, .flags = flags & 0x7fu});
  ++segment_.count;
}

inline void BatchWriter::count(std::size_t frame_bytes, std::uint8_t flags) noexcept {
  ++counts_.frames;
  ++counts_.decoded;
  ++counts_.events;
  counts_.in_frames_bytes += frame_bytes;
  if (flags != kFrameWhole) {
    counts_.truncated += (flags & kFrameTruncated) != 0;
    counts_.partial += (flags & kFramePartial) != 0;
    counts_.unparsed += (flags & kFrameUnparsed) != 0;
  }
}

}  // namespace penstock
