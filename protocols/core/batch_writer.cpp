#include "protocols/core/batch_writer.h"

#include <cstring>

#include "protocols/core/check.h"

namespace penstock {

FrameCounts& FrameCounts::operator+=(const FrameCounts& other) noexcept {
  compressed_bytes += other.compressed_bytes;
  decompressed_bytes += other.decompressed_bytes;
  truncated_streams += other.truncated_streams;
  in_frames_bytes += other.in_frames_bytes;
  framing_bytes += other.framing_bytes;
  cut_bytes += other.cut_bytes;
  for (std::size_t at = 0; at < kReasonCount; ++at)
    discarded_bytes[at] += other.discarded_bytes[at];
  frames += other.frames;
  decoded += other.decoded;
  empty += other.empty;
  truncated += other.truncated;
  partial += other.partial;
  for (std::size_t at = 0; at < kReasonCount; ++at) rejected[at] += other.rejected[at];
  events += other.events;
  return *this;
}

BatchWriter::BatchWriter(Batch& batch, char* input_end, FrameCounts& counts,
                         RejectHandler& rejects) noexcept
    : batch_(batch),
      segment_(batch.segments.back()),
      end_(input_end),
      counts_(counts),
      rejects_(rejects),
      next_line_(nullptr) {
  if (segment_.count == 0) {
    segment_.lines = true;  // until a frame says otherwise
    return;
  }
  const FrameRef& last = batch.frames.back();
  next_line_ = batch.block->data() + last.offset + last.size + 1;
}

const char* BatchWriter::copy(std::string_view frame, Shape& shape) {
  Block& block = *batch_.block;
  PENSTOCK_CHECK(end_ + frame.size() + 1 <= block.data() + block.capacity());
  if (shape == Shape::kOpaque && std::memchr(frame.data(), '\n', frame.size()) == nullptr)
    shape = Shape::kLine;
  char* at = end_;
  std::memcpy(at, frame.data(), frame.size());
  at[frame.size()] = '\n';
  end_ = at + frame.size() + 1;
  return at;
}

void BatchWriter::reject(Reason reason, std::string_view bytes) {
  reject_unseen(reason, bytes.size());
  rejects_.on_reject(reason, bytes);
}

void BatchWriter::reject_unseen(Reason reason, std::size_t bytes) noexcept {
  ++counts_.frames;
  ++counts_.rejected[static_cast<std::size_t>(reason)];
  discard(reason, bytes);
}

}  // namespace penstock
