#include "server/pipeline/intake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "protocols/core/check.h"

namespace penstock {

Intake::Intake(std::vector<Route> routes, BlockPool& pool, BatchCell& cell, bool tracks_completion,
               TapPoint* tap)
    : routes_(std::move(routes)),
      required_(static_cast<unsigned>(std::count_if(
          routes_.begin(), routes_.end(), [](const Route& route) { return route.required; }))),
      pool_(pool),
      cell_(cell),
      tap_(tap),
      completion_(tracks_completion ? std::make_shared<Completion>() : nullptr) {
  batch_.id = 1;
}

Intake::~Intake() {
  seal();
  release_index();
  if (completion_) completion_->disconnect();
}

bool Intake::gate_open() { return routes_open() && memory_open(); }

bool Intake::memory_open() {
  if (!pressed() || free_bytes() >= kMinRoomBytes + kShortHeldBytes) return true;
  leave_block();
  use_block(pool_.try_take(kFirstBlockBytes));
  return batch_.block != nullptr;
}

bool Intake::routes_open() const noexcept {
  return std::all_of(routes_.begin(), routes_.end(), [](const Route& route) {
    return !route.required || route.drop_when_full || route.queue->open();
  });
}

std::string_view Intake::shut_by() const noexcept {
  for (const Route& route : routes_) {
    if (route.required && !route.drop_when_full && !route.queue->open()) return route.ledger->sink;
  }
  return {};
}

bool Intake::sinks_idle() const noexcept {
  return std::all_of(routes_.begin(), routes_.end(),
                     [](const Route& route) { return !route.required || route.queue->idle(); });
}

// ---- the block

std::span<char> Intake::room(std::size_t held_bytes) {
  const std::size_t needed = kMinRoomBytes + held_bytes;
  if (free_bytes() < needed) {
    leave_block();
    use_block(pool_.take(std::max(next_block_bytes(), needed)));
  }
  const std::span<char> room(batch_.block->data() + fill_, free_bytes());
  return pressed() ? room.first(needed) : room;  // what is read at once bounds its index
}

void Intake::use_block(std::shared_ptr<Block> block) noexcept {
  batch_.block = std::move(block);
  fill_ = batch_.begin = 0;
  block_used_ = false;
}

/// What is left free in it is charged to a batch where somebody keeps the block.
void Intake::leave_block() {
  if (!batch_.block) return;
  if (has_records() || batch_.block.use_count() > 1) wasted_bytes_ = free_bytes();
  seal();
  adapt_block_size();
  use_block(nullptr);
}

std::size_t Intake::next_block_bytes() const noexcept {
  return pressed() ? kFirstBlockBytes : block_bytes_;
}

void Intake::adapt_block_size() noexcept {
  if (!block_used_) return;
  const auto filled_in = now_.monotonic - block_since_;
  if (filled_in <= kFastFill) block_bytes_ = std::min(block_bytes_ * 2, BlockPool::kMaxBlockBytes);
  if (filled_in >= kSlowFill) block_bytes_ = kFirstBlockBytes;
}

void Intake::release_idle_block() {
  const bool idle = !std::exchange(used_since_sweep_, false);
  if ((idle || pressed()) && !has_records() && (!batch_.block || batch_.block.use_count() == 1)) {
    use_block(nullptr);
    block_bytes_ = kFirstBlockBytes;
    release_index();
  }
  pool_.trim_when_quiet();
}

void Intake::release_index() noexcept {
  batch_.frames = std::vector<FrameRef>();  // not `= {}`, which keeps the memory
  batch_.segments = std::vector<Segment>();
  batch_.events = EventIndex();
  charge_index();
}

void Intake::charge_index() noexcept {
  const std::size_t bytes = index_bytes(batch_);
  if (bytes != index_charged_) pool_.budget().change(std::exchange(index_charged_, bytes), bytes);
}

// ---- one call into a decoder

BatchWriter Intake::write(ConnectionId connection, const Peer& peer, Account& account, Now now,
                          char* input_end, RejectHandler& rejects) {
  if (!batch_.block) {
    PENSTOCK_CHECK(input_end == nullptr);
    room(0);
  }
  if (index_full()) seal();
  now_ = now;
  if (!std::exchange(block_used_, true)) block_since_ = now.monotonic;
  used_since_sweep_ = true;
  input_end_ = input_end != nullptr ? input_end : batch_.block->data() + fill_;
  frames_before_ = batch_.frames.size();
  open_segment(connection, peer, account.origin(), now.wall_ns);
  return BatchWriter(batch_, input_end_, account.counts(), rejects);
}

bool Intake::index_full() const noexcept {
  const std::size_t used =
      batch_.frames.size() * sizeof(FrameRef) + batch_.segments.size() * sizeof(Segment);
  return used >= batch_.block->capacity() / 2 ||
         batch_.events.fields.size() >= batch_.block->capacity();
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
  charge_index();
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
  if (has_records() ? now.monotonic >= due_at() : !acknowledge_.empty()) seal();
  if (has_records() || !batch_.block) return;
  if (!pressed() && batch_.block->capacity() <= BlockPool::kMaxBlockBytes) return;
  leave_block();
  release_index();
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
  const auto batch =
      std::make_shared<SealedBatch>(take_batch(), required_, completion_, pool_.indexes());
  cell_.events.add(batch->events());
  cell_.bytes.add(batch->batch().end - batch->batch().begin);
  for (const Route& route : routes_) push(route, batch);
  if (tap_ != nullptr) tap_->offer(batch);
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
  std::size_t kept = sealed.end - sealed.begin + std::exchange(wasted_bytes_, 0);
  if (pressed() && sealed.end - sealed.begin <= sealed.block->capacity() / 2) {
    copy_out(sealed);
    kept = sealed.block->capacity();
  }
  sealed.charged_bytes = kept + index_bytes(sealed) + sizeof(SealedBatch);
  return sealed;
}

/// Into a block that fits, so that the batch keeps no more memory than it needs.
void Intake::copy_out(Batch& sealed) {
  const std::size_t begin = std::exchange(sealed.begin, 0), bytes = sealed.end - begin;
  std::shared_ptr<Block> fitting = pool_.take_fitting(bytes);
  std::memcpy(fitting->data(), sealed.block->data() + begin, bytes);
  sealed.block = std::move(fitting);
  sealed.end = bytes;
  for (FrameRef& frame : sealed.frames) {
    if ((frame.flags & kFrameInFields) == 0) frame.offset = (frame.offset - begin) & 0xffff'ffff;
  }
}

/// A well filled index goes itself; else a copy that fits, so that a small batch does not keep the memory of a large
/// one's index while it waits.
void Intake::hand_over_index(Batch& sealed) {
  if (batch_.frames.size() >= batch_.frames.capacity() / 2) {
    sealed.frames = std::move(batch_.frames);
    sealed.segments = std::move(batch_.segments);
    sealed.events = std::move(batch_.events);
    pool_.indexes()->take(batch_);
  } else {
    pool_.indexes()->copy(batch_, sealed);
    batch_.frames.clear();
    batch_.segments.clear();
    batch_.events.clear();
  }
  charge_index();
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

// ---- completion

void Intake::set_completion(Completion::Post post, Completion::OnComplete on_complete) {
  PENSTOCK_CHECK(completion_ != nullptr);
  completion_->connect(std::move(post), std::move(on_complete));
}

std::size_t Intake::open_batches() const noexcept { return completion_ ? completion_->open() : 0; }

}  // namespace penstock
