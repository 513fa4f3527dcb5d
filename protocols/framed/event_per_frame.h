#pragma once

#include <memory>
#include <string_view>
#include <utility>

#include "protocols/framed/frame_handler.h"

namespace penstock {

/// A handler that makes one event of each frame with a pure function, `Problem parse(std::string_view frame, FieldWriter&)`:
/// what it finds a problem with is unparsed. So is a frame that max_frame_bytes cut off, where a number that ends too early
/// would be a wrong one and no less than whole. White space alone is an empty frame.
template <class Parse>
class EventPerFrame final : public FrameHandler {
 public:
  EventPerFrame(const FramingOptions& framing, EventShape shape, Parse parse)
      : framing_(framing), shape_(shape), parse_(std::move(parse)) {}

  void on_frame(std::string_view frame, std::uint8_t flags, Shape form,
                FrameContext& context) override {
    BatchWriter& writer = context.writer;
    if ((flags & kFrameTruncated) != 0)
      return take_unparsed(framing_, frame, flags, form, kCutOff, writer);
    if (frame.find_first_not_of(" \t\r\n") == std::string_view::npos) {
      writer.counts().framing_bytes += frame.size();
      return writer.skip_empty();
    }
    add_parsed(framing_, frame, flags, form, shape_, writer,
               [&](FieldWriter& fields) { return parse_(frame, fields); });
  }

 private:
  const FramingOptions framing_;
  const EventShape shape_;
  const Parse parse_;
};

template <class Parse>
std::unique_ptr<FrameHandler> make_event_per_frame(const FramingOptions& framing, EventShape shape,
                                                   Parse parse) {
  return std::make_unique<EventPerFrame<Parse>>(framing, shape, std::move(parse));
}

}  // namespace penstock
