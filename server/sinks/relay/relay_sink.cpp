#include "server/sinks/relay/relay_sink.h"

#include <poll.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "protocols/core/check.h"
#include "server/pipeline/frame_ranges.h"
#include "server/sinks/relay/balance.h"
#include "server/sinks/relay/entry_encoder.h"
#include "server/sinks/relay/framed_encoder.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kFirstArrivalWait{1}, kLongestArrivalWait{16};
constexpr std::chrono::milliseconds kCloseTurn{5};
constexpr std::chrono::milliseconds kClosePatience{1000};   // for the receivers' FINs
constexpr std::chrono::milliseconds kGivenUpPatience{200};  // where batches were abandoned

std::vector<Url> parsed(const std::vector<config::ListenUrl>& to) {
  std::vector<Url> urls;
  for (const config::ListenUrl& entry : to) {
    auto url = parse_url(entry.url);
    PENSTOCK_CHECK(url.has_value());
    urls.push_back(std::move(*url));
  }
  return urls;
}

Carrier carrier_of(const std::vector<Url>& urls) noexcept {
  return is_stream(urls.front().scheme) ? Carrier::kStream : Carrier::kMessages;
}

std::unique_ptr<Encoder> make_relay_encoder(const config::Sink& config) {
  if (config.relay.protocol == config::RelayProtocol::kForward)
    return std::make_unique<EntryEncoder>();
  return std::make_unique<FramedEncoder>(config, carrier_of(parsed(config.relay.to)));
}

}  // namespace

RelaySink::RelaySink(const config::Sink& config)
    : name_(config.name), config_(config.relay), encoder_(make_relay_encoder(config)) {
  for (Url& url : parsed(config.relay.to)) {
    seeds_.push_back(balance_seed(url.text));
    upstreams_.push_back(std::make_unique<Upstream>(
        std::move(url), *encoder_, acknowledged() ? &forward_ : nullptr, statistics_, config.name));
  }
}

RelaySink::~RelaySink() = default;

Result<void> RelaySink::open() {
  if (!acknowledged()) return {};
  auto sending = make_forward_sending(config_.forward);
  if (!sending)
    return fail(sending.error().code, "sink \"" + name_ + "\": " + sending.error().message);
  forward_ = std::move(*sending);
  return {};
}

// ---- batches

RelaySink::HeldList::iterator RelaySink::find(const Batch& batch) {
  return std::find_if(held_.begin(), held_.end(),
                      [&](const Held& held) { return held.batch == &batch; });
}

RelaySink::HeldList::iterator RelaySink::hold(const Batch& batch) {
  const auto held = held_.emplace(held_.end());
  held->batch = &batch;
  held->next.resize(batch.segments.size());
  std::iota(held->next.begin(), held->next.end(), std::uint32_t{1});
  if (held->next.empty()) return held;
  held->next.back() = kNoSegment;
  RelayPart part{.batch = &batch, .next = &held->next, .too_long = &held->too_long};
  part.at = RecordChain(batch, held->next, *encoder_).begin(0);
  part.arrived = part.at.segment == kNoSegment;
  held->parts.push_back(part);
  return held;
}

bool RelaySink::anything_pending() const noexcept {
  return std::any_of(held_.begin(), held_.end(), [](const Held& held) { return held.pending; });
}

bool RelaySink::delivered(const Held& held) noexcept {
  return std::all_of(held.parts.begin(), held.parts.end(),
                     [](const RelayPart& part) { return part.arrived; });
}

bool RelaySink::homeless(const Held& held) noexcept {
  return std::any_of(held.parts.begin(), held.parts.end(), [](const RelayPart& part) {
    return !part.arrived && part.upstream == nullptr;
  });
}

RelaySink::HeldList::iterator RelaySink::finish(HeldList::iterator held) {
  if (!held->too_long.empty()) too_long_[held->batch] = std::move(held->too_long);
  return held_.erase(held);
}

WriteStatus RelaySink::write(const Batch& batch) {
  too_long_.clear();
  if (!anything_pending()) last_progress_ = Clock::now();
  auto held = find(batch);
  if (held == held_.end()) held = hold(batch);
  held->pending = true;
  assign(*held);
  drive();
  if (delivered(*held)) {
    finish(held);
    return WriteStatus::kDelivered;
  }
  if (!homeless(*held)) return WriteStatus::kPending;
  held->pending = false;
  ++statistics_.retries;
  note_error();
  return WriteStatus::kRetry;
}

std::vector<Finished> RelaySink::poll(std::chrono::milliseconds timeout) {
  too_long_.clear();
  const auto deadline = Clock::now() + timeout;
  for (bool waited = false;; waited = true) {
    drive();
    std::vector<Finished> finished = collect();
    // Where all is written there may be more to take, and nothing tells of acknowledgements.
    if (!finished.empty() || Clock::now() >= deadline || (waited && all_written())) return finished;
    wait(deadline);
  }
}

std::vector<Finished> RelaySink::collect() {
  const auto patience = acknowledged() ? kAckPatience : kPatience;
  const bool stalled = Clock::now() - last_progress_ >= patience;
  std::vector<Finished> finished;
  std::uint64_t retries = 0;
  for (auto held = held_.begin(); held != held_.end();) {
    const bool done = delivered(*held);
    if (!held->pending || (!done && !stalled && !homeless(*held))) {
      ++held;
      continue;
    }
    held->pending = false;
    finished.push_back({held->batch, done ? WriteStatus::kDelivered : WriteStatus::kRetry});
    retries += done ? 0 : 1;
    held = done ? finish(held) : std::next(held);
  }
  statistics_.retries += retries;
  if (retries != 0) note_error();
  return finished;
}

std::vector<FrameRange> RelaySink::abandon(const Batch& batch) {
  abandoned_ = true;
  const auto held = find(batch);
  if (held == held_.end()) return {{0, batch.frames.size()}};
  std::vector<FrameRange> undelivered;
  const RecordChain chain(batch, held->next, *encoder_);
  for (RelayPart& part : held->parts) {
    if (part.upstream != nullptr) part.upstream->forget(part);
    if (!part.arrived) chain.remaining(part.at, undelivered);
  }
  finish(held);
  merge_ranges(undelivered);
  return undelivered;
}

std::vector<Undeliverable> RelaySink::undeliverable(const Batch& batch) {
  std::vector<Undeliverable> all = unencodable(*encoder_, batch);
  const auto too_long = too_long_.find(&batch);
  if (too_long == too_long_.end()) return all;
  for (const std::size_t frame : too_long->second)
    all.push_back({{frame, 1}, RouteLoss::kUnencodable, "longer than a datagram there may be"});
  return all;
}

// ---- receivers

std::vector<bool> RelaySink::usable() const {
  std::vector<bool> usable(upstreams_.size());
  bool any = false;
  for (std::size_t at = 0; at < usable.size(); ++at) {
    usable[at] = upstreams_[at]->promising();
    any = any || usable[at];
  }
  if (any) return usable;
  const auto soon = Clock::now() + kPatience;
  for (std::size_t at = 0; at < usable.size(); ++at) usable[at] = upstreams_[at]->soon(soon);
  return usable;
}

Upstream& RelaySink::choose(const std::vector<bool>& usable) {
  Upstream* least = nullptr;
  const bool in_turn = config_.balance == config::Balance::kRoundRobin;
  for (std::size_t i = 0; i < usable.size(); ++i) {
    const std::size_t at = in_turn ? (turn_ + i) % usable.size() : i;
    if (!usable[at]) continue;
    Upstream& upstream = *upstreams_[at];
    if (!in_turn) return upstream;
    if (!upstream.backlogged()) {
      turn_ = at + 1;
      return upstream;
    }
    if (least == nullptr || upstream.unarrived_bytes() < least->unarrived_bytes())
      least = &upstream;
  }
  return *least;
}

// Gives the parts that no receiver has to one, as far as there is any.
void RelaySink::assign(Held& held) {
  const std::vector<bool> usable = this->usable();
  if (std::find(usable.begin(), usable.end(), true) == usable.end()) return;
  for (auto part = held.parts.begin(); part != held.parts.end();) {
    const auto current = part++;
    if (current->arrived || current->upstream != nullptr) continue;
    if (config_.balance != config::Balance::kHash || upstreams_.size() == 1) {
      choose(usable).push(*current);
      continue;
    }
    split_by_key(held, *current, usable);
    held.parts.erase(current);
  }
}

// Each segment of `part` goes to the chain of its receiver.
void RelaySink::split_by_key(Held& held, const RelayPart& part, const std::vector<bool>& usable) {
  std::vector<RelayPart*> parts(usable.size(), nullptr);
  std::vector<std::uint32_t> last(usable.size(), kNoSegment);
  for (std::uint32_t at = part.at.segment; at != kNoSegment;) {
    const Segment& segment = held.batch->segments[at];
    const std::uint32_t following = std::exchange(held.next[at], kNoSegment);
    const std::size_t to = heaviest(balance_key(segment), seeds_, usable);
    if (parts[to] == nullptr) {
      // In front of all others of its list, so that assign() does not come by it.
      parts[to] = &held.parts.emplace_front(part);
      parts[to]->at = at == part.at.segment ? part.at : Place{at, segment.first, 0};
    } else {
      held.next[last[to]] = at;
    }
    last[to] = at;
    at = following;
  }
  for (std::size_t to = 0; to < parts.size(); ++to)
    if (parts[to] != nullptr) upstreams_[to]->push(*parts[to]);
}

void RelaySink::drive() {
  const auto now = Clock::now();
  bool moved = false;
  for (const auto& upstream : upstreams_) moved = upstream->drive(now) || moved;
  for (Held& held : held_)
    if (held.pending && homeless(held)) assign(held);
  if (moved) {
    last_progress_ = now;
    arrival_wait_ = kFirstArrivalWait;
  }
  note_numbers();
}

void RelaySink::note_numbers() {
  std::uint64_t up = 0, awaited = 0;
  for (const auto& upstream : upstreams_) {
    up += upstream->up() ? 1 : 0;
    awaited += upstream->acks_awaited();
  }
  statistics_.upstreams_up = up;
  statistics_.acks_awaited = awaited;
}

bool RelaySink::all_written() const noexcept {
  return std::none_of(upstreams_.begin(), upstreams_.end(),
                      [](const auto& upstream) { return upstream->backlogged(); });
}

// Until a socket is ready; no event tells of acknowledgements, they are looked for.
void RelaySink::wait(Clock::time_point deadline) {
  auto wait = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
  std::vector<pollfd> sockets;
  for (const auto& upstream : upstreams_) {
    sockets.push_back(upstream->wanted());
    if (upstream->must_look_for_arrival() || sockets.back().fd < 0)
      wait = std::min(wait, arrival_wait_);
  }
  const int ready = ::poll(sockets.data(), sockets.size(),
                           static_cast<int>(std::max<std::int64_t>(wait.count(), 0)));
  if (ready == 0) arrival_wait_ = std::min(arrival_wait_ * 2, kLongestArrivalWait);
}

void RelaySink::note_error() {
  error_.clear();
  for (const auto& upstream : upstreams_) {
    const std::string text = upstream->trouble();
    if (!text.empty()) error_ += (error_.empty() ? "" : "; ") + text;
  }
}

Result<void> RelaySink::close() {
  const auto deadline = Clock::now() + (abandoned_ ? kGivenUpPatience : kClosePatience);
  for (const auto& upstream : upstreams_) upstream->begin_close(deadline);
  const auto all_closed = [this] {
    return std::all_of(upstreams_.begin(), upstreams_.end(),
                       [](const auto& upstream) { return upstream->closed(); });
  };
  for (drive(); !all_closed(); drive()) wait(Clock::now() + kCloseTurn);
  return {};
}

}  // namespace penstock
