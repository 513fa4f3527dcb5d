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

/// Those of `segment` that lie in `range`.
void put_part(const Batch& batch, const Segment& segment, const std::string& sink,
              const FrameRange& range, std::string_view reason, std::string_view detail,
              Quarantine& quarantine) {
  const std::size_t first = std::max<std::size_t>(segment.first, range.first);
  const std::size_t end =
      std::min(std::size_t{segment.first} + segment.count, range.first + range.count);
  if (first >= end) return;
  QuarantineEntry entry = entry_for(segment);
  entry.sink = sink;
  entry.reason = reason;
  entry.detail = detail;
  for (std::size_t at = first; at < end; ++at) {
    entry.flags = static_cast<std::uint8_t>(batch.frames[at].flags & ~unsigned{kFrameInFields});
    entry.bytes = batch.bytes(batch.frames[at]);
    quarantine.put(entry, Quarantine::WhenFull::kWait);
  }
}

void put_range(const QueueEntry& of, const FrameRange& range, std::string_view reason,
               std::string_view detail, Quarantine& quarantine) {
  const Batch& batch = of.batch->batch();
  for (const Segment& segment : batch.segments)
    put_part(batch, segment, of.route->sink, range, reason, detail, quarantine);
}

std::size_t write_leftover(const QueueEntry& entry, const std::vector<FrameRange>& ranges,
                           std::string_view sink, Leftover& leftover) {
  std::size_t written = 0;
  for (const FrameRange& range : ranges) {
    if (leftover.put(entry.batch->batch(), range.first, range.count, sink)) written += range.count;
  }
  return written;
}

void end_delivered(const QueueEntry& entry, std::size_t events) {
  count_delivered(entry, events);
  count_delays(entry);
  end(entry, Outcome::kDelivered);
}

}  // namespace

void settle_delivered(const QueueEntry& entry) { end_delivered(entry, entry.batch->events()); }

void settle_delivered(const QueueEntry& entry, const std::vector<Undeliverable>& undeliverable,
                      Quarantine& quarantine) {
  std::size_t lost = 0;
  for (const Undeliverable& part : undeliverable) {
    put_range(entry, part.frames, to_string(part.loss), part.answer, quarantine);
    count_loss(*entry.route, part.loss, part.frames.count);
    lost += part.frames.count;
  }
  end_delivered(entry, entry.batch->events() - lost);
}

void settle_kept(const QueueEntry& entry) {
  if (entry.required) entry.batch->report(Outcome::kDelivered);
}

void settle_dropped(const QueueEntry& entry) {
  count_loss(*entry.route, RouteLoss::kQueueFull, entry.batch->events());
  end(entry, Outcome::kDropped);
}

void settle_failed(const QueueEntry& entry, Quarantine& quarantine) {
  if (entry.required)
    put_range(entry, {0, entry.batch->batch().frames.size()}, to_string(Reason::kUndelivered), {},
              quarantine);
  count_loss(*entry.route, RouteLoss::kFailed, entry.batch->events());
  end(entry, Outcome::kFailed);
}

void settle_left_over(const QueueEntry& entry, const std::vector<FrameRange>& undelivered,
                      std::string_view sink, Leftover& leftover) {
  const std::size_t missing = total(undelivered);
  PENSTOCK_CHECK(missing <= entry.batch->events());
  const std::size_t written =
      entry.required ? write_leftover(entry, undelivered, sink, leftover) : 0;
  count_delivered(entry, entry.batch->events() - missing);
  count_loss(*entry.route, RouteLoss::kLeftover, written);
  count_loss(*entry.route, RouteLoss::kAbandoned, missing - written);
  if (written < missing) return end(entry, Outcome::kFailed);
  end(entry, missing == 0 ? Outcome::kDelivered : Outcome::kDropped);
}

}  // namespace penstock
