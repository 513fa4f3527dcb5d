#include "protocols/framed/policy.h"

#include <array>

namespace penstock {
namespace {

Tail tail_policy(const FramingOptions& options, EndReason cause) noexcept {
  if (options.tail != Tail::kAuto) return options.tail;
  return cause == EndReason::kFin ? Tail::kDeliver : Tail::kQuarantine;
}

}  // namespace

Reason tail_reason(EndReason cause) noexcept {
  switch (cause) {
    case EndReason::kFin: return Reason::kTailFin;
    case EndReason::kReset: return Reason::kTailReset;
    case EndReason::kTimeout: return Reason::kTailTimeout;
    case EndReason::kDeadline: return Reason::kTailDeadline;
    case EndReason::kUndecodable: return Reason::kUndecodable;
    case EndReason::kPartialBudget: break;
  }
  return Reason::kPartialBudget;
}

void take_oversize(const FramingOptions& options, std::string_view head, FrameHandler& handler,
                   FrameContext& context) {
  if (options.oversize != Oversize::kTruncate)
    return context.writer.reject(Reason::kOversize, head);
  // Without a byte (a datagram cut right behind a line) there is nothing to deliver; the loss shows in cut_bytes.
  if (head.empty()) return context.writer.note({"a datagram was cut off on receipt"});
  handler.on_frame(head, kFrameTruncated, Shape::kOpaque, context);
}

void take_rest(const FramingOptions& options, std::size_t bytes, BatchWriter& writer) noexcept {
  if (options.oversize == Oversize::kTruncate)
    writer.counts().cut_bytes += bytes;
  else
    writer.discard(Reason::kOversize, bytes);
}

void take_tail(const FramingOptions& options, EndReason cause, std::string_view record,
               FrameHandler& handler, FrameContext& context) {
  BatchWriter& writer = context.writer;
  if (record.empty()) return;
  switch (tail_policy(options, cause)) {
    case Tail::kAuto:
    case Tail::kDeliver: break;
    case Tail::kQuarantine: return writer.reject(tail_reason(cause), record);
    case Tail::kDrop: return writer.reject_unseen(tail_reason(cause), record.size());
  }
  // Longer than the maximum only by the digits syslog_auto must see to tell a count from a line, or by a part of a
  // delimiter.
  const std::string_view head = record.substr(0, options.max_frame_bytes);
  if (head.size() == record.size())
    return handler.on_frame(head, kFramePartial, Shape::kOpaque, context);
  if (options.oversize == Oversize::kTruncate)
    handler.on_frame(head, kFramePartial | kFrameTruncated, Shape::kOpaque, context);
  else
    writer.reject(Reason::kOversize, head);
  take_rest(options, record.size() - head.size(), writer);
}

void take_unparsed(const FramingOptions& options, std::string_view frame, std::uint8_t flags,
                   Shape shape, const Problem& problem, BatchWriter& writer) {
  if (options.unparsed == Unparsed::kQuarantine)
    return writer.reject(Reason::kUnparsed, frame, problem);
  writer.add_unparsed(frame, flags, shape, problem);
}

void take_unparsed_anew(const FramingOptions& options, std::string_view frame,
                        std::size_t wire_bytes, const Problem& problem, BatchWriter& writer) {
  take_unparsed(options, frame, kFrameWhole, Shape::kOpaque, problem, writer);
  FrameCounts& counts = writer.counts();
  auto& counted = options.unparsed == Unparsed::kDeliver
                      ? counts.in_frames_bytes
                      : counts.discarded_bytes[static_cast<std::size_t>(Reason::kUnparsed)];
  counted += wire_bytes - frame.size();
}

}  // namespace penstock
