#include <algorithm>

#include "protocols/framed/policy.h"
#include "protocols/framing/newline.h"

namespace penstock {
namespace {

std::size_t delimiter_at_end(const FramingOptions& options, std::string_view input) noexcept {
  if (options.framing == Framing::kNul) return input.ends_with('\0') ? 1 : 0;
  if (options.framing == Framing::kDelimiter)
    return input.ends_with(options.delimiter) ? options.delimiter.size() : 0;
  if (input.ends_with("\r\n")) return 2;
  return input.ends_with('\n') ? 1 : 0;
}

// Its last `delimiter` bytes are framing.
void take_whole(const FramingOptions& options, std::string_view frame, std::size_t delimiter,
                FrameHandler& handler, FrameContext& context) {
  context.writer.counts().framing_bytes += delimiter;
  context.end = frame.substr(frame.size() - delimiter);
  frame.remove_suffix(delimiter);
  if (frame.empty()) return context.writer.skip_empty();
  const std::string_view head = frame.substr(0, options.max_frame_bytes);
  if (head.size() == frame.size())
    return handler.on_frame(frame, kFrameWhole, Shape::kOpaque, context);
  take_oversize(options, head, handler, context);
  take_rest(options, frame.size() - head.size(), context.writer);
}

// The kernel cut `missing` bytes off, so `frame` is the front of a longer one.
void take_cut(const FramingOptions& options, std::string_view frame, std::size_t missing,
              FrameHandler& handler, FrameContext& context) {
  const std::string_view head = frame.substr(0, options.max_frame_bytes);
  take_oversize(options, head, handler, context);
  take_rest(options, frame.size() - head.size() + missing, context.writer);
}

// Takes the lines that end within `input` and returns what follows the last LF.
std::string_view take_lines(const FramingOptions& options, std::string_view input,
                            FrameHandler& handler, FrameContext& context) {
  for (;;) {
    const char* lf = input.empty() ? nullptr : find_byte(input.data(), input.size(), '\n');
    if (lf == nullptr) return input;
    const auto length = static_cast<std::size_t>(lf - input.data());
    const std::size_t cr = length != 0 && lf[-1] == '\r' ? 1 : 0;
    take_whole(options, input.substr(0, length + 1), 1 + cr, handler, context);
    input.remove_prefix(length + 1);
  }
}

void take_split(const FramingOptions& options, std::string_view input, std::size_t missing,
                FrameHandler& handler, FrameContext& context) {
  if (input.empty() && missing == 0) return context.writer.skip_empty();
  const std::string_view last = take_lines(options, input, handler, context);
  if (missing != 0) return take_cut(options, last, missing, handler, context);
  if (last.empty()) return;
  std::size_t end = delimiter_at_end(options, last);
  if (end == 0 && last.ends_with('\r')) end = 1;  // a CRLF of which the LF was left out
  take_whole(options, last, end, handler, context);
}

}  // namespace

void take_datagram(const FramingOptions& options, std::string_view input, std::size_t wire_bytes,
                   FrameHandler& handler, FrameContext& context) {
  const std::size_t missing = wire_bytes - std::min(wire_bytes, input.size());
  if (options.split == Split::kNewline)
    return take_split(options, input, missing, handler, context);
  if (missing != 0) return take_cut(options, input, missing, handler, context);
  take_whole(options, input, delimiter_at_end(options, input), handler, context);
}

}  // namespace penstock
