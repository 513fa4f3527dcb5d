#include <algorithm>

#include "protocols/framing/newline.h"
#include "protocols/raw/policy.h"

namespace penstock {
namespace {

std::size_t delimiter_at_end(const FramingOptions& options, std::string_view input) noexcept {
  if (options.framing == Framing::kNul) return input.ends_with('\0') ? 1 : 0;
  if (options.framing == Framing::kDelimiter)
    return input.ends_with(options.delimiter) ? options.delimiter.size() : 0;
  if (input.ends_with("\r\n")) return 2;
  return input.ends_with('\n') ? 1 : 0;
}

void take_whole(const FramingOptions& options, std::string_view frame, BatchWriter& writer) {
  if (frame.empty()) return writer.skip_empty();
  const std::string_view head = frame.substr(0, options.max_frame_bytes);
  if (head.size() == frame.size()) return writer.add(frame, kFrameWhole, Shape::kOpaque);
  take_oversize(options, head, writer);
  take_rest(options, frame.size() - head.size(), writer);
}

// The kernel cut `missing` bytes off, so `frame` is the front of a longer one.
void take_cut(const FramingOptions& options, std::string_view frame, std::size_t missing,
              BatchWriter& writer) {
  const std::string_view head = frame.substr(0, options.max_frame_bytes);
  take_oversize(options, head, writer);
  take_rest(options, frame.size() - head.size() + missing, writer);
}

// Takes the lines that end within `input` and returns what follows the last LF.
std::string_view take_lines(const FramingOptions& options, std::string_view input,
                            BatchWriter& writer) {
  for (;;) {
    const char* lf = input.empty() ? nullptr : find_byte(input.data(), input.size(), '\n');
    if (lf == nullptr) return input;
    const auto length = static_cast<std::size_t>(lf - input.data());
    const std::size_t cr = length != 0 && lf[-1] == '\r' ? 1 : 0;
    writer.counts().framing_bytes += 1 + cr;
    take_whole(options, input.substr(0, length - cr), writer);
    input.remove_prefix(length + 1);
  }
}

void take_split(const FramingOptions& options, std::string_view input, std::size_t missing,
                BatchWriter& writer) {
  if (input.empty() && missing == 0) return writer.skip_empty();
  std::string_view last = take_lines(options, input, writer);
  if (missing != 0) return take_cut(options, last, missing, writer);
  if (last.empty()) return;
  if (last.ends_with('\r')) {  // a CRLF of which the sender left out the LF
    ++writer.counts().framing_bytes;
    last.remove_suffix(1);
  }
  take_whole(options, last, writer);
}

}  // namespace

void take_datagram(const FramingOptions& options, std::string_view input, std::size_t wire_bytes,
                   BatchWriter& writer) {
  const std::size_t missing = wire_bytes - std::min(wire_bytes, input.size());
  if (options.split == Split::kNewline) return take_split(options, input, missing, writer);
  if (missing != 0) return take_cut(options, input, missing, writer);
  const std::size_t delimiter = delimiter_at_end(options, input);
  writer.counts().framing_bytes += delimiter;
  take_whole(options, input.substr(0, input.size() - delimiter), writer);
}

}  // namespace penstock
