#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/block.h"
#include "protocols/core/event.h"
#include "protocols/core/field_buffer.h"
#include "protocols/core/frame.h"
#include "protocols/core/peer.h"

namespace penstock {

/// Rises per (loop, listener); 0 is no batch.
using BatchId = std::uint64_t;

/// Names one connection for the life of the process: slot on its loop and a generation, so that a late completion
/// never finds a stranger. 0 for datagrams.
using ConnectionId = std::uint64_t;

/// Where records come from, as files and logs name it. Addresses are stable until the process ends.
struct Origin {
  std::string listener;  ///< the listener's name in the config
  std::string url;       ///< the bound URL, port resolved: `tcp://127.0.0.1:5514`
};

/// Largest frame that FrameRef can index: 16 MiB.
inline constexpr std::size_t kMaxFrameBytes = std::size_t{1} << 24;

/// Eight bytes a frame: where it lies in the block.
struct FrameRef {
  std::uint64_t offset : 32;
  std::uint64_t size : 25;
  std::uint64_t flags : 7;  ///< FrameFlag bits

  /// The masks tell the compiler that nothing is cut: blocks are below 4 GiB, frames at most kMaxFrameBytes.
  static FrameRef make(std::size_t offset, std::size_t size, std::uint8_t flags) noexcept {
    FrameRef ref;
    ref.offset = offset & 0xffffffffu;
    ref.size = size & 0x1ffffffu;
    ref.flags = flags & 0x7fu;
    return ref;
  }
};
static_assert(sizeof(FrameRef) == 8);

/// A run of frames from one peer, read in one loop turn.
struct Segment {
  ConnectionId connection = 0;
  const Origin* origin = nullptr;
  Peer peer;
  std::int64_t time_ns = 0;  ///< receive time, CLOCK_REALTIME
  std::uint32_t first = 0;   ///< index into Batch::frames
  std::uint32_t count = 0;
  bool lines =
      false;  ///< the frames lie back to back, each LF-free and followed by one LF: write them as one piece
};

/// What a decoder made of a batch's frames: empty with a protocol that makes nothing of them (raw).
struct EventIndex {
  static constexpr std::uint32_t kNoEvent = UINT32_MAX;

  FieldBuffer fields;  ///< the events, and frames that lie in no block (kFrameInFields)
  std::vector<std::uint32_t>
      offsets;  ///< by frame, into `fields`; frames behind its end have no event

  std::size_t bytes() const noexcept {
    return fields.capacity() + offsets.capacity() * sizeof(std::uint32_t);
  }
  void clear() noexcept {
    fields.clear();
    offsets.clear();
  }
};

/// Frames that are handed on together: a range of a block, an index, and who sent them. Immutable once sealed;
/// shared by all the sinks of its listener.
struct Batch {
  /// Tells each record of a disk log from all others, over all restarts: the first one's, the others follow.
  struct KeptAs {
    std::uint64_t epoch = 0;  ///< of the segment
    std::uint64_t first_record = 0;
  };

  BatchId id = 0;
  std::shared_ptr<Block> block;
  std::vector<FrameRef> frames;
  std::vector<Segment> segments;
  EventIndex events;
  std::size_t begin = 0;  ///< the batch's range of the block
  std::size_t end = 0;
  std::size_t charged_bytes = 0;  ///< block range and index that the batch keeps from being reused
  std::optional<KeptAs> kept_as;  ///< where it comes from a disk log, undamaged

  std::string_view bytes(const FrameRef& frame) const noexcept {
    const char* base = (frame.flags & kFrameInFields) == 0 ? block->data() : events.fields.data();
    return {base + frame.offset, static_cast<std::size_t>(frame.size)};
  }

  /// What the decoder made of frame `at`; nothing where it is only bytes.
  std::optional<Event> event(std::size_t at) const noexcept {
    if (at >= events.offsets.size() || events.offsets[at] == EventIndex::kNoEvent)
      return std::nullopt;
    return Event(events.fields.data() + events.offsets[at], bytes(frames[at]));
  }
};

}  // namespace penstock
