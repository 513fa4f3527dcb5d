#pragma once

#include <functional>
#include <memory>
#include <string>

#include "protocols/core/batch_writer.h"
#include "server/sinks/encoder.h"
#include "tests/support/no_rejects.h"

namespace penstock::test {

/// A batch of one segment whose events are written by hand.
class EventBatch {
 public:
  EventBatch(const Origin& origin, const Peer& peer, std::int64_t time_ns) {
    batch_.id = 1;
    batch_.block = std::make_shared<Block>(std::size_t{1} << 16);
    batch_.segments.push_back({.origin = &origin, .peer = peer, .time_ns = time_ns});
  }

  EventBatch& event(EventShape shape, const std::function<void(FieldWriter&)>& write,
                    std::string_view frame = "frame", std::uint8_t flags = kFrameWhole) {
    BatchWriter writer(batch_, batch_.block->data() + fill_, counts_, rejects_);
    FieldWriter fields = writer.begin_event(frame, shape);
    write(fields);
    writer.add_event(fields, flags, Shape::kOpaque);
    fill_ = static_cast<std::size_t>(writer.end() - batch_.block->data());
    return *this;
  }
  EventBatch& record(std::string_view bytes) {
    BatchWriter writer(batch_, batch_.block->data() + fill_, counts_, rejects_);
    writer.add(bytes, kFrameWhole, Shape::kOpaque);
    fill_ = static_cast<std::size_t>(writer.end() - batch_.block->data());
    return *this;
  }
  EventBatch& unparsed(std::string_view bytes, const Problem& problem) {
    BatchWriter writer(batch_, batch_.block->data() + fill_, counts_, rejects_);
    writer.add_unparsed(bytes, kFrameWhole, Shape::kOpaque, problem);
    fill_ = static_cast<std::size_t>(writer.end() - batch_.block->data());
    return *this;
  }

  const Batch& batch() const noexcept { return batch_; }

 private:
  Batch batch_;
  FrameCounts counts_;
  NoRejects rejects_;
  std::size_t fill_ = 0;
};

/// All of it, in as many buffers as it takes; checks encoded_bytes() of every frame on the way.
template <class SomeEncoder>
std::string encoded(const SomeEncoder& encoder, const Batch& batch) {
  EncodeBuffer buffer;
  std::string out;
  for (const Segment& segment : batch.segments) {
    std::size_t at = segment.first;
    const std::size_t last = std::size_t{segment.first} + segment.count;
    std::size_t sum = 0;
    for (std::size_t frame = at; frame < last; ++frame)
      sum += encoder.encoded_bytes(batch, segment, frame);
    const std::size_t before = out.size();
    while (at < last) {
      buffer.clear();
      at = encoder.encode(batch, segment, at, last, buffer);
      out.append(buffer.data(), buffer.size());
    }
    CHECK(out.size() - before == sum);
  }
  return out;
}

}  // namespace penstock::test
