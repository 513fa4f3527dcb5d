#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/batch_writer.h"
#include "protocols/core/problem.h"
#include "protocols/core/replies.h"
#include "protocols/framing/options.h"

namespace penstock {

/// Where a frame came from and what comes of it. The time of receipt and the peer are in `writer.segment()`.
struct FrameContext {
  BatchWriter& writer;
  Replies* replies = nullptr;  ///< null: the stream has ended
  /// What was taken off as the end of the frame, where it stands directly behind it: an end that a handler knows to be
  /// part of the frame can be taken back, out of `framing_bytes`.
  std::string_view end = {};

  /// `end` where it is that of `frame`; empty where the frame has none.
  std::string_view end_of(std::string_view frame) const noexcept {
    return end.data() == frame.data() + frame.size() ? end : std::string_view();
  }
};

/// What a protocol makes of the frames that its listener's framing finds (make_framed_decoder): one a decoder, so that it
/// may remember what its connection said. The connection's loop only.
struct FrameHandler {
  virtual ~FrameHandler() = default;

  /// One frame, never empty: adds it, as an event or not, or rejects it, exactly once. `flags`: kFrameTruncated and
  /// kFramePartial.
  virtual void on_frame(std::string_view frame, std::uint8_t flags, Shape shape, FrameContext&) = 0;
};

/// Why a frame is unparsed of which the end is missing: what is wrong with it is most likely that.
inline constexpr Problem kCutOff{"cut off at max_frame_bytes"};

/// What `options.unparsed` makes of a frame of which there is no event: it goes on as it is with the reason beside it, or
/// to the quarantine.
void take_unparsed(const FramingOptions& options, std::string_view frame, std::uint8_t flags,
                   Shape shape, const Problem& problem, BatchWriter& writer);

/// The same for a frame that was written anew, and stands for `wire_bytes` of the input.
void take_unparsed_anew(const FramingOptions& options, std::string_view frame,
                        std::size_t wire_bytes, const Problem& problem, BatchWriter& writer);

/// Adds the event that `parse(FieldWriter&)`, which gives a Problem, makes of `frame`; where there is one, the frame is
/// unparsed.
template <class Parse>
void add_parsed(const FramingOptions& options, std::string_view frame, std::uint8_t flags,
                Shape form, EventShape shape, BatchWriter& writer, Parse&& parse) {
  FieldWriter fields = writer.begin_event(frame, shape);
  if (const Problem problem = parse(fields)) {
    fields.forget();
    return take_unparsed(options, frame, flags, form, problem, writer);
  }
  writer.add_event(fields, flags, form);
}

/// The same for a frame that was written anew, and stands for `wire_bytes` of the input.
template <class Parse>
void add_parsed_anew(const FramingOptions& options, std::string_view frame, std::size_t wire_bytes,
                     EventShape shape, BatchWriter& writer, Parse&& parse) {
  FieldWriter fields = writer.begin_event(frame, shape);
  if (const Problem problem = parse(fields)) {
    fields.forget();
    return take_unparsed_anew(options, frame, wire_bytes, problem, writer);
  }
  writer.add_event(fields, kFrameWhole, Shape::kOpaque, wire_bytes);
}

}  // namespace penstock
