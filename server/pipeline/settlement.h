#pragma once

#include <string_view>
#include <vector>

#include "server/pipeline/leftover.h"
#include "server/pipeline/quarantine.h"
#include "server/pipeline/sink.h"
#include "server/pipeline/sink_queue.h"

namespace penstock {

/// What became of one batch on one route, in three endings. Each counts on the route's ledger (queued goes down by the
/// batch's events, the others go up by as many in all) and reports the completion of a required route. Once a queue
/// entry; on the sink's thread, or on the one that has seized the entry. SinkQueue::done() stays with the caller.

/// Everything was written.
void settle_delivered(const QueueEntry& entry);

/// Everything was written but `undeliverable`: that goes to the quarantine, and counts as delivered where the completion
/// is concerned.
void settle_delivered(const QueueEntry& entry, const std::vector<Undeliverable>& undeliverable,
                      Quarantine& quarantine);

/// A queue on disk has it: still queued, and as safe as its `sync` says.
void settle_kept(const QueueEntry& entry);

/// There was no room for it: RouteLoss::kQueueFull and Outcome::kDropped.
void settle_dropped(const QueueEntry& entry);

/// The sink will never take it: frames of a required route go to the quarantine, those of a best-effort route are only
/// counted (RouteLoss::kFailed either way).
void settle_failed(const QueueEntry& entry, Quarantine& quarantine);

/// The sink was given up at stop without delivering `undelivered` (ranges that do not overlap): to what is left over,
/// kLeftover and Outcome::kDropped; what cannot be written there is kAbandoned and Outcome::kFailed. Best effort:
/// kAbandoned, no file.
void settle_left_over(const QueueEntry& entry, const std::vector<FrameRange>& undelivered,
                      std::string_view sink, Leftover& leftover);

}  // namespace penstock
