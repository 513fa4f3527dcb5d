#include "server/sinks/pending_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace penstock {
namespace {

using PendingState = PendingBatch::State;

bool is_open(PendingState state) noexcept {
  return state == PendingState::kWaiting || state == PendingState::kSent ||
         state == PendingState::kSuspect || state == PendingState::kAlone;
}
bool is_sent(PendingState state) noexcept {
  return state == PendingState::kSent || state == PendingState::kAlone;
}
bool is_suspect(PendingState state) noexcept {
  return state == PendingState::kSuspect || state == PendingState::kAlone;
}

}  // namespace

PendingBatch::~PendingBatch() {
  totals_.sent -= sent_;
  totals_.suspects -= suspects_;
}

void PendingBatch::set(std::size_t frame, State state) noexcept {
  const State before = std::exchange(states_[frame], state);
  open_ += std::size_t{is_open(state)} - std::size_t{is_open(before)};
  const std::size_t sent = std::size_t{is_sent(state)} - std::size_t{is_sent(before)};
  const std::size_t suspects = std::size_t{is_suspect(state)} - std::size_t{is_suspect(before)};
  sent_ += sent;  // unsigned arithmetic goes around: a difference may be -1
  totals_.sent += sent;
  suspects_ += suspects;
  totals_.suspects += suspects;
}

void PendingBatch::refuse(std::size_t frame, std::string answer) {
  set(frame, State::kRefused);
  refusals_.push_back({frame, std::move(answer)});
}

void PendingBatch::take_back(std::uint32_t number) noexcept {
  number_ = number;
  rewind();
  for (std::size_t frame = 0; frame < states_.size(); ++frame) {
    if (states_[frame] == State::kSent) set(frame, State::kWaiting);
    if (states_[frame] == State::kAlone) set(frame, State::kSuspect);
  }
}

void PendingBatch::take_back(std::size_t frame) noexcept {
  set(frame, State::kWaiting);
  next_ = std::min(next_, frame);
  segment_ = 0;
}

const Segment& PendingBatch::segment_of(std::size_t frame) const noexcept {
  return *std::find_if(batch_->segments.begin(), batch_->segments.end(), [&](const Segment& one) {
    return frame < std::size_t{one.first} + one.count;
  });
}

std::size_t PendingBatch::find(State state, std::size_t from) const noexcept {
  const auto begin = states_.begin() + static_cast<std::ptrdiff_t>(from);
  return static_cast<std::size_t>(std::find(begin, states_.end(), state) - states_.begin());
}

std::vector<FrameRange> PendingBatch::undelivered() const {
  std::vector<FrameRange> ranges;
  for (std::size_t frame = 0; frame < states_.size(); ++frame) {
    if (states_[frame] == State::kDelivered) continue;
    if (!ranges.empty() && ranges.back().first + ranges.back().count == frame)
      ++ranges.back().count;
    else
      ranges.push_back({frame, 1});
  }
  return ranges;
}

std::vector<Undeliverable> PendingBatch::refused() const {
  std::vector<Refusal> sorted = refusals_;
  std::sort(sorted.begin(), sorted.end(),
            [](const Refusal& a, const Refusal& b) { return a.frame < b.frame; });
  std::vector<Undeliverable> ranges;
  for (Refusal& refusal : sorted) {
    const bool joins = !ranges.empty() && ranges.back().answer == refusal.answer &&
                       ranges.back().frames.first + ranges.back().frames.count == refusal.frame;
    if (joins)
      ++ranges.back().frames.count;
    else
      ranges.push_back({{refusal.frame, 1}, RouteLoss::kRefused, std::move(refusal.answer)});
  }
  return ranges;
}

// ---- all of them

PendingBatch& PendingBatches::begin(const Batch& batch) {
  PendingBatch* held = find(batch);
  if (held == nullptr) held = &batches_.emplace_back(batch, next_number(), totals_);
  held->pending = true;
  held->failed = false;
  held->rewind();
  return *held;
}

PendingBatch* PendingBatches::find(const Batch& batch) noexcept {
  const auto at = std::find_if(batches_.begin(), batches_.end(),
                               [&](const PendingBatch& held) { return &held.batch() == &batch; });
  return at == batches_.end() ? nullptr : &*at;
}

PendingBatch* PendingBatches::find(std::uint32_t number) noexcept {
  if (found_ != nullptr && found_->number() == number) return found_;
  const auto at = std::find_if(batches_.begin(), batches_.end(),
                               [&](const PendingBatch& held) { return held.number() == number; });
  return found_ = at == batches_.end() ? nullptr : &*at;
}

WriteStatus PendingBatches::settle(PendingBatch& held) {
  if (held.ended()) {
    if (auto refused = held.refused(); !refused.empty())
      refused_[&held.batch()] = std::move(refused);
    erase(held);
    return WriteStatus::kDelivered;
  }
  if (!held.failed || held.sent() != 0) return WriteStatus::kPending;
  held.pending = false;
  return WriteStatus::kRetry;
}

std::vector<Finished> PendingBatches::take_ended() {
  std::vector<Finished> finished;
  for (auto at = batches_.begin(); at != batches_.end();) {
    PendingBatch& held = *at++;
    if (!held.pending) continue;
    const Batch* const batch = &held.batch();
    const WriteStatus status = settle(held);
    if (status != WriteStatus::kPending) finished.push_back({batch, status});
  }
  return finished;
}

bool PendingBatches::give_back_oldest(std::vector<Finished>& finished) {
  const bool told = std::any_of(batches_.begin(), batches_.end(),
                                [](const PendingBatch& held) { return !held.pending; });
  if (told || batches_.empty()) return false;
  PendingBatch& oldest = batches_.front();
  oldest.pending = false;
  finished.push_back({&oldest.batch(), WriteStatus::kRetry});
  return true;
}

std::vector<FrameRange> PendingBatches::abandon(const Batch& batch) {
  const PendingBatch* held = find(batch);
  if (held == nullptr) return {{0, batch.frames.size()}};
  std::vector<FrameRange> undelivered = held->undelivered();
  erase(*held);
  return undelivered;
}

std::vector<Undeliverable> PendingBatches::undeliverable(const Encoder& encoder,
                                                         const Batch& batch) {
  std::vector<Undeliverable> all = unencodable(encoder, batch);
  if (const auto refused = refused_.find(&batch); refused != refused_.end()) {
    std::move(refused->second.begin(), refused->second.end(), std::back_inserter(all));
    refused_.erase(refused);
  }
  return all;
}

void PendingBatches::erase(const PendingBatch& held) {
  found_ = nullptr;
  batches_.erase(std::find_if(batches_.begin(), batches_.end(),
                              [&](const PendingBatch& other) { return &other == &held; }));
}

}  // namespace penstock
