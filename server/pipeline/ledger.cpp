#include "server/pipeline/ledger.h"

#include <algorithm>
#include <numeric>

namespace penstock {
namespace {

/// Moves the growth of one count since the last time into its counter.
void publish_one(Counter& counter, std::uint64_t count, std::uint64_t& published) noexcept {
  if (count == published) return;
  counter.add(count - published);
  published = count;
}

template <std::size_t N>
void publish_all(std::array<Counter, N>& counters, const std::array<std::uint64_t, N>& counts,
                 std::array<std::uint64_t, N>& published) noexcept {
  for (std::size_t at = 0; at < N; ++at) publish_one(counters[at], counts[at], published[at]);
}

template <std::size_t N>
void sum_all(std::array<std::uint64_t, N>& sums, const std::array<Counter, N>& counters) noexcept {
  for (std::size_t at = 0; at < N; ++at) sums[at] += counters[at].get();
}

template <std::size_t N>
std::uint64_t total(const std::array<std::uint64_t, N>& counts) noexcept {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

/// What became of bytes and frames is read before what came in, so that a running ledger never shows more out than in.
void add_cell(IntakeTotals& totals, const UrlCell& cell) noexcept {
  FrameCounts& counts = totals.counts;
  counts.events += cell.events.get();
  counts.flushed += cell.flushed.get();
  counts.unaggregated += cell.unaggregated.get();
  counts.aggregated += cell.aggregated.get();
  counts.decoded += cell.decoded.get();
  counts.empty += cell.empty.get();
  counts.truncated += cell.truncated.get();
  counts.partial += cell.partial.get();
  counts.unparsed += cell.unparsed.get();
  sum_all(counts.rejected, cell.rejected);
  counts.frames += cell.frames.get();
  counts.truncated_streams += cell.truncated_streams.get();
  counts.in_frames_bytes += cell.in_frames_bytes.get();
  counts.framing_bytes += cell.framing_bytes.get();
  counts.cut_bytes += cell.cut_bytes.get();
  sum_all(counts.discarded_bytes, cell.discarded_bytes);
  totals.partial_held_bytes += cell.partial_held_bytes.get();
  counts.compressed_bytes += cell.compressed_bytes.get();
  counts.decompressed_bytes += cell.decompressed_bytes.get();
  totals.read_bytes += cell.read_bytes.get();
  totals.datagrams += cell.datagrams.get();
  totals.kernel_drops += cell.kernel_drops.get();
  totals.refused_while_stopping += cell.refused_while_stopping.get();
  totals.active += cell.active.get();
  totals.paused += cell.paused.get();
  sum_all(totals.ended, cell.ended);
  totals.accepted += cell.accepted.get();
}

UrlTotals totals_of(const UrlLedger& url) {
  UrlTotals totals;
  totals.url = url.url;
  for (const auto& cell : url.cells) add_cell(totals, *cell);
  return totals;
}

ListenerTotals totals_of(const ListenerLedger& listener) {
  ListenerTotals totals;
  totals.name = listener.name;
  for (const UrlLedger& url : listener.urls) totals += totals.urls.emplace_back(totals_of(url));
  for (const auto& cell : listener.batches) {
    totals.batch_events += cell->events.totals();
    totals.batch_bytes += cell->bytes.totals();
  }
  return totals;
}

RouteTotals totals_of(const RouteLedger& route) {
  RouteTotals totals;
  totals.listener = route.listener;
  totals.sink = route.sink;
  totals.delivery_ns = route.delivery_ns.totals();
  totals.delivered = route.delivered.load(std::memory_order_relaxed);
  for (std::size_t at = 0; at < kRouteLossCount; ++at)
    totals.lost[at] = route.lost[at].load(std::memory_order_relaxed);
  totals.queued = route.queued.load(std::memory_order_relaxed);
  totals.events = route.events.load(std::memory_order_relaxed);
  totals.recovered = route.recovered.load(std::memory_order_relaxed);
  return totals;
}

}  // namespace

std::string_view to_string(ConnectionEnd end) noexcept {
  constexpr std::array<std::string_view, kConnectionEndCount> names = {
      "clean",       "probe",     "quiet",          "deadline",      "unfrozen",
      "timeout",     "malformed", "partial_budget", "refused",       "reset_by_peer",
      "reset_by_us", "abandoned", "undelivered",    "replies_unread"};
  return names[static_cast<std::size_t>(end)];
}

std::string_view to_string(RouteLoss loss) noexcept {
  constexpr std::array<std::string_view, kRouteLossCount> names = {
      "queue_full",  "failed",      "leftover", "abandoned",
      "unencodable", "drop_oldest", "damaged",  "refused"};
  return names[static_cast<std::size_t>(loss)];
}

void UrlCell::publish(const FrameCounts& counts, FrameCounts& published) noexcept {
  publish_one(compressed_bytes, counts.compressed_bytes, published.compressed_bytes);
  publish_one(decompressed_bytes, counts.decompressed_bytes, published.decompressed_bytes);
  publish_one(truncated_streams, counts.truncated_streams, published.truncated_streams);
  publish_one(in_frames_bytes, counts.in_frames_bytes, published.in_frames_bytes);
  publish_one(framing_bytes, counts.framing_bytes, published.framing_bytes);
  publish_one(cut_bytes, counts.cut_bytes, published.cut_bytes);
  publish_all(discarded_bytes, counts.discarded_bytes, published.discarded_bytes);
  publish_one(frames, counts.frames, published.frames);
  publish_one(decoded, counts.decoded, published.decoded);
  publish_one(empty, counts.empty, published.empty);
  publish_one(truncated, counts.truncated, published.truncated);
  publish_one(partial, counts.partial, published.partial);
  publish_one(unparsed, counts.unparsed, published.unparsed);
  publish_one(aggregated, counts.aggregated, published.aggregated);
  publish_one(unaggregated, counts.unaggregated, published.unaggregated);
  publish_all(rejected, counts.rejected, published.rejected);
  publish_one(flushed, counts.flushed, published.flushed);
  publish_one(events, counts.events, published.events);
}

UrlLedger::UrlLedger(std::string text, std::size_t loops) : url(std::move(text)) {
  for (std::size_t at = 0; at < loops; ++at) cells.push_back(std::make_unique<UrlCell>());
}

ListenerLedger::ListenerLedger(std::string listener, std::size_t loops)
    : name(std::move(listener)) {
  for (std::size_t at = 0; at < loops; ++at) batches.push_back(std::make_unique<BatchCell>());
}

IntakeTotals& IntakeTotals::operator+=(const IntakeTotals& other) noexcept {
  read_bytes += other.read_bytes;
  partial_held_bytes += other.partial_held_bytes;
  datagrams += other.datagrams;
  kernel_drops += other.kernel_drops;
  refused_while_stopping += other.refused_while_stopping;
  accepted += other.accepted;
  active += other.active;
  paused += other.paused;
  counts += other.counts;
  for (std::size_t at = 0; at < kConnectionEndCount; ++at) ended[at] += other.ended[at];
  return *this;
}

bool IntakeTotals::bytes_balance() const noexcept {
  return read_bytes + counts.decompressed_bytes ==
         counts.compressed_bytes + counts.in_frames_bytes + counts.framing_bytes +
             counts.cut_bytes + total(counts.discarded_bytes) + partial_held_bytes;
}

bool IntakeTotals::frames_balance() const noexcept {
  return counts.frames ==
             counts.decoded + counts.aggregated + counts.empty + total(counts.rejected) &&
         counts.events == counts.decoded + counts.flushed;
}

bool RouteTotals::balance() const noexcept {
  return events + recovered == delivered + queued + total(lost);
}

Ledger::Ledger(std::size_t loops) {
  for (std::size_t at = 0; at < loops; ++at) loops_.push_back(std::make_unique<LoopCell>());
}

ListenerLedger& Ledger::listener(std::string_view name) {
  const std::lock_guard lock(mutex_);
  return find_listener(name);
}

ListenerLedger& Ledger::find_listener(std::string_view name) {
  const auto found = std::find_if(listeners_.begin(), listeners_.end(),
                                  [&](const auto& l) { return l.name == name; });
  return found != listeners_.end() ? *found
                                   : listeners_.emplace_back(std::string(name), loops_.size());
}

UrlLedger& Ledger::url(std::string_view listener, std::string_view url) {
  const std::lock_guard lock(mutex_);
  auto& urls = find_listener(listener).urls;
  const auto found =
      std::find_if(urls.begin(), urls.end(), [&](const auto& u) { return u.url == url; });
  return found != urls.end() ? *found : urls.emplace_back(std::string(url), loops_.size());
}

RouteLedger& Ledger::route(std::string_view listener, std::string_view sink) {
  const std::lock_guard lock(mutex_);
  const auto found = std::find_if(routes_.begin(), routes_.end(), [&](const auto& r) {
    return r.listener == listener && r.sink == sink;
  });
  return found != routes_.end() ? *found
                                : routes_.emplace_back(std::string(listener), std::string(sink));
}

LedgerSnapshot Ledger::snapshot() const {
  const std::lock_guard lock(mutex_);
  LedgerSnapshot snapshot;
  for (const RouteLedger& route : routes_) snapshot.routes.push_back(totals_of(route));
  for (const ListenerLedger& listener : listeners_)
    snapshot.listeners.push_back(totals_of(listener));
  for (const auto& loop : loops_)
    snapshot.loops.push_back({loop->connections.get(), loop->turn_ns.totals()});
  return snapshot;
}

}  // namespace penstock
