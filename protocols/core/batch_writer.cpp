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
  unparsed += other.unparsed;
  aggregated += other.aggregated;
  unaggregated += other.unaggregated;
  for (std::size_t at = 0; at < kReasonCount; ++at) rejected[at] += other.rejected[at];
  flushed += other.flushed;
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
  if (shape == Shape::kOpaque && std::memchr(frame.data(), '\n', frame.size()) == nullptr)
    shape = Shape::kLine;
  char* at = end_;
  std::memcpy(at, frame.data(), frame.size());
  at[frame.size()] = '\n';
  end_ = at + frame.size() + 1;
  return at;
}

bool BatchWriter::fits_in_block(std::size_t bytes) const noexcept {
  const Block& block = *batch_.block;
  return bytes + 1 <= static_cast<std::size_t>(block.data() + block.capacity() - end_);
}

void BatchWriter::put_in_fields(std::string_view frame, std::uint8_t flags) {
  FieldBuffer& fields = batch_.events.fields;
  const std::size_t offset = fields.size();
  fields.append(frame.data(), frame.size());
  PENSTOCK_CHECK(fields.size() <= FieldBuffer::kMaxBytes);
  batch_.frames.push_back(
      FrameRef::make(offset, frame.size(), static_cast<std::uint8_t>(flags | kFrameInFields)));
  segment_.lines = false;
  next_line_ = nullptr;
  ++segment_.count;
}

void BatchWriter::index_event(FieldWriter& event) {
  const std::size_t offset = event.finish();
  PENSTOCK_CHECK(offset < EventIndex::kNoEvent);
  // Frames that came before without an event of their own.
  batch_.events.offsets.resize(batch_.frames.size(), EventIndex::kNoEvent);
  batch_.events.offsets.push_back(static_cast<std::uint32_t>(offset));
}

void BatchWriter::add_event(FieldWriter& event, std::uint8_t flags, Shape form,
                            std::size_t wire_bytes) {
  index_event(event);
  counts_.in_frames_bytes += wire_bytes - event.frame().size();
  add(event.frame(), flags, form);
}

void BatchWriter::add_flushed(FieldWriter& event) {
  index_event(event);
  put(event.frame(), kFrameWhole, Shape::kOpaque);
  ++counts_.flushed;
  ++counts_.events;
}

void BatchWriter::add_unparsed(std::string_view frame, std::uint8_t flags, Shape form,
                               const Problem& problem) {
  note(problem);
  FieldWriter event = begin_event(frame, EventShape::kLog);
  event.string(Field::kError, problem.why);
  if (problem.at != Problem::kNowhere) event.unsigned_integer(Field::kErrorOffset, problem.at);
  event.string(Field::kMessage, frame);
  add_event(event, static_cast<std::uint8_t>(flags | kFrameUnparsed), form);
}

void BatchWriter::reject(Reason reason, std::string_view bytes, const Problem& problem) {
  note(problem);
  reject_unseen(reason, bytes.size());
  rejects_.on_reject(reason, bytes, problem, segment_);
}

void BatchWriter::reject(Reason reason, std::string_view bytes, const Problem& problem,
                         const Receipt& receipt) {
  if (problem && !problem_) problem_peer_ = receipt.peer;
  note(problem);
  reject_unseen(reason, bytes.size());
  Segment segment = segment_;
  segment.peer = receipt.peer;
  segment.time_ns = receipt.time_ns;
  rejects_.on_reject(reason, bytes, problem, segment);
}

void BatchWriter::reject_unseen(Reason reason, std::size_t bytes) noexcept {
  ++counts_.frames;
  ++counts_.rejected[static_cast<std::size_t>(reason)];
  discard(reason, bytes);
}

}  // namespace penstock
