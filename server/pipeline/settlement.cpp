#include "server/pipeline/settlement.h"

#include <algorithm>

#include "protocols/core/check.h"
#include "server/log/wall_clock.h"

namespace penstock {
namespace {

/// Takes the batch's events out of `queued`, as the last of its counts, then tells the origin.
void end(const QueueEntry& entry, Outcome outcome) {
  entry.route->queued.fetch_sub(entry.batch->events(), std::memory_order_relaxed);
  if (entry.required) entry.batch->report(outcome);
}

void count_delivered(const QueueEntry& entry, std::size_t events) {
  entry.route->delivered.fetch_add(events, std::memory_order_relaxed);
}

/// Runs of segments mostly have one time: they were read in one turn.
void count_delays(const QueueEntry& entry) {
  const std::int64_t now_ns = wall_clock_ns();
  const std::vector<Segment>& segments = entry.batch->batch().segments;
  for (std::size_t at = 0; at < segments.size();) {
    const std::int64_t read_ns = segments[at].time_ns;
    std::uint64_t events = 0;
    for (; at < segments.size() && segments[at].time_ns == read_ns; ++at)
      events += segments[at].count;
    // Where the clock was set back there was no time between.
    const std::int64_t delay_ns = std::max<std::int64_t>(now_ns - read_ns, 0);
    entry.route->delivery_ns.add(static_cast<std::uint64_t>(delay_ns), events);
  }
}

std::size_t total(const std::vector<FrameRange>& ranges) {
  std::size_t frames = 0;
  for (const FrameRange& range : ranges) frames += range.count;
  return frames;
}

void put_segment(const Batch& batch, const Segment& segment, Quarantine& quarantine) {
  QuarantineEntry entry = entry_for(segment);
  entry.reason = to_string(Reason::kUndelivered);
  for (std::size_t at = segment.first; at < std::size_t{segment.first} + segment.count; ++at) {
    entry.flags = static_cast<std::uint8_t>(batch.frames[at].flags);
    entry.bytes = batch.bytes(batch.frames[at]);
    quarantine.put(entry);
  }
}

std::size_t write_leftover(const QueueEntry& entry, const std::vector<FrameRange>& ranges,
                           std::string_view sink, Quarantine& quarantine) {
  std::size_t written = 0;
  for (const FrameRange& range : ranges)
    written += quarantine.write_leftover(entry.batch->batch(), range.first, range.count, sink,
                                         to_string(RouteLoss::kLeftover));
  return written;
}

}  // namespace

void settle_delivered(const QueueEntry& entry) {
  count_delivered(entry, entry.batch->events());
  count_delays(entry);
  end(entry, Outcome::kDelivered);
}

void settle_failed(const QueueEntry& entry, Quarantine& quarantine) {
  const Batch& batch = entry.batch->batch();
  if (entry.required)
    for (const Segment& segment : batch.segments) put_segment(batch, segment, quarantine);
  count_loss(*entry.route, RouteLoss::kFailed, entry.batch->events());
  end(entry, Outcome::kFailed);
}

void settle_left_over(const QueueEntry& entry, const std::vector<FrameRange>& undelivered,
                      std::string_view sink, Quarantine& quarantine) {
  const std::size_t missing = total(undelivered);
  PENSTOCK_CHECK(missing <= entry.batch->events());
  const std::size_t written =
      entry.required ? write_leftover(entry, undelivered, sink, quarantine) : 0;
  count_delivered(entry, entry.batch->events() - missing);
  count_loss(*entry.route, RouteLoss::kLeftover, written);
  count_loss(*entry.route, RouteLoss::kAbandoned, missing - written);
  if (written < missing) return end(entry, Outcome::kFailed);
  end(entry, missing == 0 ? Outcome::kDelivered : Outcome::kDropped);
}

}  // namespace penstock
