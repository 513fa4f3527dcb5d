#include "server/sinks/raw_encoder.h"

#include <algorithm>
#include <cstring>

namespace penstock {
namespace {

const char* find_newline(const char* begin, const char* end) noexcept {
  return static_cast<const char*>(std::memchr(begin, '\n', static_cast<std::size_t>(end - begin)));
}

char* append(const char* begin, const char* end, char* out) noexcept {
  std::memcpy(out, begin, static_cast<std::size_t>(end - begin));
  return out + (end - begin);
}

std::string_view without_last_newline(std::string_view frame) noexcept {
  if (!frame.empty() && frame.back() == '\n') frame.remove_suffix(1);
  return frame;
}

// The frame from its first LF at `newline` on.
char* append_with_newlines(const char* begin, const char* newline, const char* end,
                           config::Newlines newlines, char* out) noexcept {
  for (; newline != nullptr; newline = find_newline(begin, end)) {
    out = append(begin, newline, out);
    if (newlines == config::Newlines::kReplace) {
      *out++ = ' ';
    } else {
      *out++ = '\\';
      *out++ = 'n';
    }
    begin = newline + 1;
  }
  return append(begin, end, out);
}

}  // namespace

std::size_t RawEncoder::encoded_bytes(const Batch& batch, const Segment& segment,
                                      std::size_t frame) const {
  std::string_view bytes = batch.bytes(batch.frames[frame]);
  if (segment.lines || newlines_ == config::Newlines::kKeep) return bytes.size() + 1;
  bytes = without_last_newline(bytes);
  const auto added =
      newlines_ == config::Newlines::kEscape ? std::count(bytes.begin(), bytes.end(), '\n') : 0;
  return bytes.size() + static_cast<std::size_t>(added) + 1;
}

std::size_t RawEncoder::encode(const Batch& batch, const Segment&, std::size_t first,
                               std::size_t last, EncodeBuffer& out) const {
  const bool keep = newlines_ == config::Newlines::kKeep;
  for (std::size_t at = first; at < last; ++at) {
    std::string_view frame = batch.bytes(batch.frames[at]);
    const char* newline = nullptr;
    if (!keep) {
      frame = without_last_newline(frame);
      newline = find_newline(frame.data(), frame.data() + frame.size());
    }
    const std::size_t most = (newline == nullptr ? frame.size() : frame.size() * 2) + 1;
    if (!out.make_room(most)) return at;
    const char* end = frame.data() + frame.size();
    char* to = newline == nullptr
                   ? append(frame.data(), end, out.end())
                   : append_with_newlines(frame.data(), newline, end, newlines_, out.end());
    *to++ = '\n';
    out.advance_to(to);
  }
  return last;
}

}  // namespace penstock
