#include "server/pipeline/intake.h"

#include <algorithm>
#include <utility>

#include "protocols/core/check.h"

namespace penstock {

Intake::Intake(std::vector<Route> routes, BlockPool& pool, ListenerCell& cell,
               bool tracks_completion)
    : routes_(std::move(routes)),
      required_(static_cast<unsigned>(std::count_if(
          routes_.begin(), routes_.end(), [](const Route& route) { return route.required; }))),
      pool_(pool),
      cell_(cell),
      completion_(tracks_completion ? std::make_shared<Completion>() : nullptr),
      indexes_(std::make_shared<IndexStore>()) {
  batch_.id = 1;
}

Intake::~Intake() {
  seal();
  publish();
  if (completion_) completion_->disconnect();
}

bool Intake::gate_open() const noexcept {
  return std::all_of(routes_.begin(), routes_.end(), [](const Route& route) {
    return !route.required || route.drop_when_full || route.queue->open();
  });
}

bool Intake::sinks_idle() const noexcept {
  return std::all_of(routes_.begin(), routes_.end(),
                     [](const Route& route) { return !route.required || route.queue->idle(); });
}

// ---- the block

std::span<char> Intake::room(std::size_t held_bytes) {
  const std::size_t needed = kMinRoomBytes + held_bytes;
  if (!batch_.block || batch_.block->capacity() - fill_ < needed) open_block(needed);
  return {batch_.block->data() + fill_, batch_.block->capacity() - fill_};
}

void Intake::open_block(std::size_t bytes) {
  if (batch_.block) {
    if (block_shared_ || has_records()) wasted_bytes_ = batch_.block->capacity() - fill_;
    seal();
    adapt_block_size();
    previous_ = std::move(batch_.block);
  }
  batch_.block = pool_.take(std::max(block_bytes_, bytes));
  fill_ = batch_.begin = 0;
  block_used_ = block_shared_ = false;
}

void Intake::adapt_block_size() noexcept {
  if (!block_used_) return;
  const auto filled_in = now_.monotonic - block_since_;
  if (filled_in <= kFastFill) block_bytes_ = std::min(block_bytes_ * 2, BlockPool::kMaxBlockBytes);
  if (filled_in >= kSlowFill) block_bytes_ = kFirstBlockBytes;
}

void Intake::release_idle_block() {
  if (std::exchange(used_since_sweep_, false) || has_records()) return;
  batch_.block.reset();
  previous_.reset();
  fill_ = batch_.begin = 0;
  block_bytes_ = kFirstBlockBytes;
  batch_.frames = std::vector<FrameRef>();  // not `= {}`, which keeps the memory
  batch_.segments = std::vector<Segment>();
  indexes_->trim();
}

// ---- one call into a decoder

BatchWriter Intake::write(ConnectionId connection, const Peer& peer, const Origin& origin, Now now,
                          char* input_end, RejectHandler& rejects) {
  if (!batch_.block) {
    PENSTOCK_CHECK(input_end == nullptr);
    room(0);
  }
  if (index_full()) seal();
  now_ = now;
  if (!std::exchange(block_used_, true)) block_since_ = now.monotonic;
  used_since_sweep_ = changed_ = true;
  input_end_ = input_end != nullptr ? input_end : batch_.block->data() + fill_;
  frames_before_ = batch_.frames.size();
  open_segment(connection, peer, origin, now.wall_ns);
  return BatchWriter(batch_, input_end_, counts_, rejects);
}

bool Intake::index_full() const noexcept {
  const std::size_t used =
      batch_.frames.size() * sizeof(FrameRef) + batch_.segments.size() * sizeof(Segment);
  return used >= batch_.block->capacity() / 2;
}

void Intake::open_segment(ConnectionId connection, const Peer& peer, const Origin& origin,
                          std::int64_t time_ns) {
  if (!batch_.segments.empty()) {
    const Segment& last = batch_.segments.back();
    if (last.connection == connection && last.time_ns == time_ns && last.origin == &origin &&
        last.peer == peer)
      return;
  }
  Segment segment;
  segment.connection = connection;
  segment.origin = &origin;
  segment.peer = peer;
  segment.time_ns = time_ns;
  segment.first = static_cast<std::uint32_t>(batch_.frames.size());
  segment.lines = true;
  batch_.segments.push_back(segment);
}

void Intake::commit(const BatchWriter& writer, const char* consumed) {
  const char* const start = batch_.block->data() + fill_;
  const bool copied = writer.end() != input_end_;
  const char* const end = copied ? writer.end() : consumed != nullptr ? consumed : start;
  PENSTOCK_CHECK(end >= start && end <= batch_.block->data() + batch_.block->capacity());
  const bool added = batch_.frames.size() != frames_before_;
  if (added || end != input_end_) fill_ += static_cast<std::size_t>(end - start);
  if (added && frames_before_ == 0) batch_since_ = now_.monotonic;
  close_segment(writer);
  if (!has_records()) batch_.begin = fill_;
  previous_.reset();
}

void Intake::close_segment(const BatchWriter& writer) {
  PENSTOCK_CHECK(completion_ || !writer.acknowledges());  // it would wait for ever
  if (writer.segment().count != 0) return;
  if (writer.acknowledges()) acknowledge_.push_back(writer.segment().connection);
  batch_.segments.pop_back();
}

// ---- sealing

void Intake::end_turn(Now now) {
  now_ = now;
  publish();
  previous_.reset();
  if (has_records() ? now.monotonic >= due_at() : !acknowledge_.empty()) seal();
}

std::optional<std::chrono::milliseconds> Intake::seal_due() const noexcept {
  if (!has_records()) return std::nullopt;
  return due_at();
}

std::chrono::milliseconds Intake::due_at() const noexcept {
  const auto by_age = batch_since_ + kMaxBatchAge;
  if (!sinks_idle()) return by_age;
  return std::min(by_age, completion_ ? batch_since_ : last_seal_ + kMinSealGap);
}

void Intake::seal() {
  if (!has_records()) return complete_without_records();
  last_seal_ = now_.monotonic;
  if (completion_) completion_->track(batch_.id, members());
  const BatchId id = batch_.id;
  const auto batch = std::make_shared<SealedBatch>(take_batch(), required_, completion_, indexes_);
  for (const Route& route : routes_) push(route, batch);
  if (completion_ && required_ == 0) completion_->on_batch_complete(id, Outcome::kDelivered);
}

void Intake::complete_without_records() {
  if (acknowledge_.empty()) return;
  const BatchId id = batch_.id++;
  completion_->track(id, members());
  completion_->on_batch_complete(id, Outcome::kDelivered);
}

/// The open batch, and a new one opened behind it.
Batch Intake::take_batch() {
  Batch sealed;
  sealed.id = batch_.id++;
  sealed.block = batch_.block;
  sealed.begin = std::exchange(batch_.begin, fill_);
  sealed.end = fill_;
  hand_over_index(sealed);
  sealed.charged_bytes = sealed.end - sealed.begin + std::exchange(wasted_bytes_, 0) +
                         index_bytes(sealed.frames, sealed.segments) + sizeof(SealedBatch);
  block_shared_ = true;
  return sealed;
}

/// A well filled index goes itself; else a copy that fits, so that a small batch does not keep the memory of a large
/// one's index while it waits.
void Intake::hand_over_index(Batch& sealed) {
  if (batch_.frames.size() >= batch_.frames.capacity() / 2) {
    sealed.frames = std::move(batch_.frames);
    sealed.segments = std::move(batch_.segments);
    indexes_->take(batch_.frames, batch_.segments);
  } else {
    sealed.frames.assign(batch_.frames.begin(), batch_.frames.end());
    sealed.segments.assign(batch_.segments.begin(), batch_.segments.end());
    batch_.frames.clear();
    batch_.segments.clear();
  }
}

/// Each connection once; datagrams have none.
std::vector<ConnectionId> Intake::members() {
  std::vector<ConnectionId> members = std::exchange(acknowledge_, {});
  for (const Segment& segment : batch_.segments) members.push_back(segment.connection);
  std::sort(members.begin(), members.end());
  members.erase(std::unique(members.begin(), members.end()), members.end());
  std::erase(members, ConnectionId{0});
  return members;
}

/// Counted as queued before the sink can see it, so that no count runs below zero.
void Intake::push(const Route& route, const std::shared_ptr<SealedBatch>& batch) {
  const std::size_t events = batch->events();
  route.ledger->events.fetch_add(events, std::memory_order_relaxed);
  route.ledger->queued.fetch_add(events, std::memory_order_relaxed);
  if (route.queue->push({batch, route.ledger, route.required}, route.drop_when_full)) return;
  route.ledger->queued.fetch_sub(events, std::memory_order_relaxed);
  count_loss(*route.ledger, RouteLoss::kQueueFull, events);
  if (route.required) batch->report(Outcome::kDropped);
}

// ---- completion and counters

void Intake::set_completion(Completion::Post post, Completion::OnComplete on_complete) {
  PENSTOCK_CHECK(completion_ != nullptr);
  completion_->connect(std::move(post), std::move(on_complete));
}

std::size_t Intake::open_batches() const noexcept { return completion_ ? completion_->open() : 0; }

void Intake::publish() noexcept {
  if (!std::exchange(changed_, false)) return;
  cell_.publish(counts_, published_);
  cell_.read_bytes.add(std::exchange(read_bytes_, 0));
}

}  // namespace penstock
