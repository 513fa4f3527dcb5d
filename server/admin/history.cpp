#include "server/admin/history.h"

#include <algorithm>
#include <cmath>

namespace penstock::admin {
namespace {

constexpr float kUnknown = -1;

float fill_of(const SinkStatus& sink) {
  if (sink.queue_max_bytes == 0) return 0;
  return static_cast<float>(sink.queue_bytes) / static_cast<float>(sink.queue_max_bytes);
}

std::uint64_t receive_queue_of(const Status& status) {
  std::uint64_t bytes = 0;
  for (const ListenerStatus& listener : status.listeners)
    bytes += listener.kernel.receive_queue_bytes;
  return bytes;
}

}  // namespace

void History::add(const Status& now, const Rates& rates) {
  if (rates.seconds <= 0) return;
  match_queues(now.sinks);
  if (size_ == kPoints)
    begin_ = index(1);
  else
    ++size_;
  const std::size_t at = index(size_ - 1);
  points_[at] = {.time_ms = now.time_ns / 1'000'000,
                 .read_bytes = rates.read_bytes,
                 .events = rates.events,
                 .delivered = rates.delivered,
                 .lost = rates.lost,
                 .receive_queue_bytes = receive_queue_of(now)};
  for (std::size_t sink = 0; sink < queues_.size(); ++sink)
    queues_[sink].fill[at] = fill_of(now.sinks[sink]);
}

/// The columns are those of the sinks of now: one that went takes its own along, one that came knows nothing of before.
void History::match_queues(const std::vector<SinkStatus>& sinks) {
  const auto same = [](const Queue& queue, const SinkStatus& sink) {
    return queue.sink == sink.name;
  };
  if (std::equal(queues_.begin(), queues_.end(), sinks.begin(), sinks.end(), same)) return;
  std::vector<Queue> matched(sinks.size());
  for (std::size_t at = 0; at < sinks.size(); ++at) {
    const auto known = std::find_if(queues_.begin(), queues_.end(),
                                    [&](const Queue& queue) { return same(queue, sinks[at]); });
    matched[at].sink = sinks[at].name;
    if (known != queues_.end())
      matched[at].fill = known->fill;
    else
      matched[at].fill.fill(kUnknown);
  }
  queues_ = std::move(matched);
}

template <class Add>
void History::add_list(JsonDocument& json, std::string_view name, Add&& add) const {
  json.open_list(name);
  for (std::size_t nth = 0; nth < size_; ++nth) add(index(nth));
  json.close_list();
}

std::string History::json() const {
  JsonDocument json;
  const auto rates = [&](std::string_view name, double Point::*rate) {
    add_list(json, name, [&](std::size_t at) {
      json.item(static_cast<std::uint64_t>(std::llround(points_[at].*rate)));
    });
  };
  json.open_object();
  json.add("points_max", std::uint64_t{kPoints});
  add_list(json, "time",
           [&](std::size_t at) { json.item(static_cast<std::uint64_t>(points_[at].time_ms)); });
  rates("read_bytes_per_second", &Point::read_bytes);
  rates("events_per_second", &Point::events);
  rates("delivered_per_second", &Point::delivered);
  rates("lost_per_second", &Point::lost);
  add_list(json, "receive_queue_bytes",
           [&](std::size_t at) { json.item(points_[at].receive_queue_bytes); });
  json.open_list("queues");
  for (const Queue& queue : queues_) {
    json.open_object();
    json.add("sink", queue.sink);
    add_list(json, "fill", [&](std::size_t at) {
      if (queue.fill[at] < 0)
        json.item_null();
      else
        json.item(std::round(static_cast<double>(queue.fill[at]) * 1000) / 1000);
    });
    json.close_object();
  }
  json.close_list();
  json.close_object();
  return std::string(json.text());
}

}  // namespace penstock::admin
