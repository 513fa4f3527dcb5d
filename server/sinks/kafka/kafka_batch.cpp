#include "server/sinks/kafka/kafka_batch.h"

#include <algorithm>
#include <utility>

namespace penstock {
namespace {

using State = KafkaBatch::State;

bool is_open(State state) noexcept {
  return state == State::kWaiting || state == State::kSent || state == State::kSuspect ||
         state == State::kAlone;
}
bool is_sent(State state) noexcept { return state == State::kSent || state == State::kAlone; }
bool is_suspect(State state) noexcept { return state == State::kSuspect || state == State::kAlone; }

}  // namespace

KafkaBatch::~KafkaBatch() {
  totals_.sent -= sent_;
  totals_.suspects -= suspects_;
}

void KafkaBatch::set(std::size_t frame, State state) noexcept {
  const State before = std::exchange(states_[frame], state);
  open_ += std::size_t{is_open(state)} - std::size_t{is_open(before)};
  const std::size_t sent = std::size_t{is_sent(state)} - std::size_t{is_sent(before)};
  const std::size_t suspects = std::size_t{is_suspect(state)} - std::size_t{is_suspect(before)};
  sent_ += sent;  // unsigned arithmetic goes around: a difference may be -1
  totals_.sent += sent;
  suspects_ += suspects;
  totals_.suspects += suspects;
}

void KafkaBatch::refuse(std::size_t frame, std::string answer) {
  set(frame, State::kRefused);
  refusals_.push_back({frame, std::move(answer)});
}

void KafkaBatch::take_back(std::uint32_t number) noexcept {
  number_ = number;
  for (std::size_t frame = 0; frame < states_.size(); ++frame) {
    if (states_[frame] == State::kSent) set(frame, State::kWaiting);
    if (states_[frame] == State::kAlone) set(frame, State::kSuspect);
  }
}

std::size_t KafkaBatch::find(State state, std::size_t from) const noexcept {
  const auto begin = states_.begin() + static_cast<std::ptrdiff_t>(from);
  return static_cast<std::size_t>(std::find(begin, states_.end(), state) - states_.begin());
}

std::vector<FrameRange> KafkaBatch::undelivered() const {
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

std::vector<Undeliverable> KafkaBatch::refused() const {
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

}  // namespace penstock
