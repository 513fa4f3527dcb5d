#pragma once

#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "tests/support/no_rejects.h"

namespace penstock::test {

/// Builds a batch the way a loop does: lines as the newline framer leaves them in the block, opaque frames as datagrams.
class BatchBuilder {
 public:
  explicit BatchBuilder(std::size_t capacity = std::size_t{1} << 16)
      : block_(std::make_shared<Block>(capacity)) {
    batch_.block = block_;
    batch_.id = 1;
  }

  /// Lines that lie back to back: one segment with `lines` true.
  BatchBuilder& lines(const Origin& origin, const Peer& peer, std::int64_t time_ns,
                      const std::vector<std::string>& frames) {
    return segment(origin, peer, time_ns, frames, Shape::kLine);
  }

  /// Frames that may hold LF, each followed by a byte that is no LF.
  BatchBuilder& opaque(const Origin& origin, const Peer& peer, std::int64_t time_ns,
                       const std::vector<std::string>& frames) {
    return segment(origin, peer, time_ns, frames, Shape::kOpaque);
  }

  /// Bytes of the block that belong to no record: an empty line, a refused frame.
  BatchBuilder& gap(std::string_view bytes) {
    std::memcpy(block_->data() + fill_, bytes.data(), bytes.size());
    fill_ += bytes.size();
    return *this;
  }

  Batch take() {
    batch_.end = fill_;
    return std::move(batch_);
  }

 private:
  BatchBuilder& segment(const Origin& origin, const Peer& peer, std::int64_t time_ns,
                        const std::vector<std::string>& frames, Shape shape) {
    batch_.segments.push_back({.origin = &origin,
                               .peer = peer,
                               .time_ns = time_ns,
                               .first = static_cast<std::uint32_t>(batch_.frames.size()),
                               .lines = true});
    std::vector<std::string_view> views;
    for (const std::string& frame : frames) {
      views.emplace_back(block_->data() + fill_, frame.size());
      gap(frame).gap(shape == Shape::kLine ? "\n" : "#");
    }
    FrameCounts counts;
    NoRejects rejects;
    BatchWriter writer(batch_, block_->data() + fill_, counts, rejects);
    for (const std::string_view view : views) writer.add(view, kFrameWhole, shape);
    return *this;
  }

  std::shared_ptr<Block> block_;
  Batch batch_;
  std::size_t fill_ = 0;
};

inline Peer inet_peer(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  Peer peer{.kind = Peer::Kind::kInet4, .port = 40000};
  peer.address = {a, b, c, d};
  return peer;
}

}  // namespace penstock::test
