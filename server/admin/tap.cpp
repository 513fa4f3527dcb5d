#include "server/admin/tap.h"

#include <algorithm>
#include <cstring>

#include "server/admin/tap_text.h"

namespace penstock::admin {
namespace {

std::string note_line(TapOptions::Format format, std::uint64_t skipped, std::uint64_t unseen) {
  const bool json = format == TapOptions::Format::kJson;
  std::string line = json ? "{\"skipped\":" : "# ";
  line += std::to_string(skipped);
  if (!json) line += " records skipped";
  if (unseen != 0)
    line +=
        (json ? ",\"unseen\":" : ", ") + std::to_string(unseen) + (json ? "" : " not looked at");
  return line += json ? "}\n" : "\n";
}

}  // namespace

Tap::Tap(TapPoint& point, TapOptions options, Time now)
    : point_(point),
      options_(std::move(options)),
      rate_(options_.rate),
      wants_last_peer_(options_.peer.empty()),
      noted_(now),
      shown_(now) {}

// ---- what passes --------------------------------------------------------------------------------------------------

bool Tap::wants(const Segment& segment) {
  if (options_.peer.empty()) return true;
  if (segment.peer == last_peer_ && last_peer_.kind != Peer::Kind::kNone) return wants_last_peer_;
  last_peer_ = segment.peer;
  return wants_last_peer_ = peer_text(segment.peer).find(options_.peer) != std::string::npos;
}

bool Tap::wants(std::string_view message) const noexcept {
  return options_.contains.empty() ||
         ::memmem(message.data(), message.size(), options_.contains.data(),
                  options_.contains.size()) != nullptr;
}

void Tap::look(const Batch& batch, Time now) {
  for (const Segment& segment : batch.segments) {
    if (!wants(segment)) continue;
    const std::size_t end = std::size_t{segment.first} + segment.count;
    for (std::size_t at = segment.first; at < end; ++at) {
      if (!wants(batch.bytes(batch.frames[at]))) continue;
      if (rate_.allow(now.time_since_epoch()) && show(batch, segment, at))
        shown_ = now;
      else
        ++skipped_;
    }
  }
}

// ---- the buffer ---------------------------------------------------------------------------------------------------

/// Records that the buffer could never hold are not encoded either.
bool Tap::show(const Batch& batch, const Segment& segment, std::size_t frame) {
  if (options_.format == TapOptions::Format::kText) {
    line_.clear();
    append_text(line_, batch, segment, batch.frames[frame]);
    return append(line_);
  }
  if (unread_bytes() + encoder_.encoded_bytes(batch, segment, frame) > kBufferBytes) return false;
  encoded_.clear();
  encoder_.encode(batch, segment, frame, frame + 1, encoded_);
  const bool appended = append({encoded_.data(), encoded_.size()});
  encoded_.shrink();
  return appended;
}

bool Tap::append(std::string_view line) {
  const std::lock_guard lock(mutex_);
  if (buffer_.size() - read_ + line.size() > kBufferBytes) return false;
  if (buffer_.size() + line.size() > kBufferBytes) {
    buffer_.erase(0, read_);
    read_ = 0;
  }
  buffer_ += line;
  return true;
}

void Tap::note(Time now) {
  const bool quiet = now - std::max(noted_, shown_) >= kQuietNote;
  const bool left_out = skipped_ + unseen_ != 0 && now - noted_ >= kNoteInterval;
  if (!(left_out || quiet) || !append(note_line(options_.format, skipped_, unseen_))) return;
  skipped_ = unseen_ = 0;
  noted_ = now;
}

std::size_t Tap::unread_bytes() const {
  const std::lock_guard lock(mutex_);
  return buffer_.size() - read_;
}

std::size_t Tap::read(std::span<char> room) {
  const std::lock_guard lock(mutex_);
  const std::size_t bytes = std::min(room.size(), buffer_.size() - read_);
  std::memcpy(room.data(), buffer_.data() + read_, bytes);
  read_ += bytes;
  if (read_ == buffer_.size()) {
    buffer_.clear();
    read_ = 0;
  }
  return bytes;
}

}  // namespace penstock::admin
