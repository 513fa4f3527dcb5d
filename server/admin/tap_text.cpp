#include "server/admin/tap_text.h"

#include <array>

#include "protocols/core/frame.h"
#include "protocols/core/utc_text.h"
#include "server/log/escape.h"

namespace penstock::admin {
namespace {

/// Up to milliseconds: `2026-11-25T12:00:00.123Z`.
void append_time(std::string& out, std::int64_t time_ns) {
  constexpr std::size_t kToMilliseconds = 23;
  std::array<char, kUtcTextBytes> text{};
  write_utc(time_ns, text.data());
  out.append(text.data(), kToMilliseconds) += 'Z';
}

void append_flags(std::string& out, unsigned flags) {
  constexpr std::array<std::string_view, 8> kFlags = {"",
                                                      " [truncated]",
                                                      " [partial]",
                                                      " [truncated,partial]",
                                                      " [unparsed]",
                                                      " [truncated,unparsed]",
                                                      " [partial,unparsed]",
                                                      " [truncated,partial,unparsed]"};
  static_assert((kFrameTruncated | kFramePartial | kFrameUnparsed) == kFlags.size() - 1);
  out += kFlags[flags & (kFlags.size() - 1)];
}

}  // namespace

std::string peer_text(const Peer& peer) {
  std::string text = to_string(peer);
  if (const std::string_view command = command_of(peer); !command.empty())
    log::append_plain(text += ",command=", command);
  return text;
}

void append_text(std::string& out, const Batch& batch, const Segment& segment,
                 const FrameRef& frame) {
  const std::string_view message = batch.bytes(frame);
  append_time(out, segment.time_ns);
  out += ' ';
  out += peer_text(segment.peer);
  append_flags(out, frame.flags);
  out += ' ';
  log::append_plain(out, message.substr(0, kMostShownBytes));
  if (message.size() > kMostShownBytes) out += "... (" + std::to_string(message.size()) + " bytes)";
  out += '\n';
}

}  // namespace penstock::admin
