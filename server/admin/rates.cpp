#include "server/admin/rates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace penstock::admin {
namespace {

template <std::size_t N>
std::uint64_t sum(const std::array<std::uint64_t, N>& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::uint64_t lost_of(const IntakeTotals& totals) {
  return totals.kernel_drops + totals.refused_while_stopping + sum(totals.counts.rejected);
}

std::uint64_t lost_of(const RouteTotals& totals) {
  return sum(totals.lost) - totals.lost[static_cast<std::size_t>(RouteLoss::kLeftover)];
}

/// Differences of counters, a second. Counters of different loops are read one by one: none goes back in a rate.
class Interval {
 public:
  explicit Interval(double seconds) : seconds_(seconds) {}
  double rate(std::uint64_t before, std::uint64_t now) const {
    return seconds_ > 0 && now > before ? static_cast<double>(now - before) / seconds_ : 0;
  }

 private:
  double seconds_;
};

template <class List, class Match>
auto find_totals(const List& list, const Match& match) {
  auto totals = std::decay_t<decltype(list.front().totals)>{};
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const auto& one) { return match(one.totals); });
  if (found != list.end()) totals = found->totals;
  return totals;
}

void add_listeners(Rates& rates, const Interval& interval, const Status& before,
                   const Status& now) {
  for (const ListenerStatus& listener : now.listeners) {
    const ListenerTotals& to = listener.totals;
    const ListenerTotals from =
        find_totals(before.listeners, [&](const auto& one) { return one.name == to.name; });
    const Rates::Listener& rate = rates.listeners.emplace_back(
        Rates::Listener{.name = to.name,
                        .read_bytes = interval.rate(from.read_bytes, to.read_bytes),
                        .events = interval.rate(from.counts.events, to.counts.events),
                        .lost = interval.rate(lost_of(from), lost_of(to))});
    rates.read_bytes += rate.read_bytes;
    rates.events += rate.events;
    rates.lost += rate.lost;
  }
}

void add_routes(Rates& rates, const Interval& interval, const Status& before, const Status& now) {
  for (const SinkStatus& sink : now.sinks) rates.sinks.push_back({.name = sink.name});
  for (const RouteStatus& route : now.routes) {
    const RouteTotals& to = route.totals;
    const RouteTotals from = find_totals(before.routes, [&](const auto& one) {
      return one.listener == to.listener && one.sink == to.sink;
    });
    const Rates::Route& rate = rates.routes.emplace_back(
        Rates::Route{.listener = to.listener,
                     .sink = to.sink,
                     .events = interval.rate(from.events, to.events),
                     .delivered = interval.rate(from.delivered, to.delivered),
                     .lost = interval.rate(lost_of(from), lost_of(to))});
    rates.delivered += rate.delivered;
    rates.lost += rate.lost;
    for (Rates::Sink& sink : rates.sinks) {
      if (sink.name != rate.sink) continue;
      sink.delivered += rate.delivered;
      sink.lost += rate.lost;
    }
  }
}

/// To three digits behind the point: more says nothing and makes the document long.
void add(JsonDocument& json, std::string_view name, double rate) {
  json.add(name, std::round(rate * 1000) / 1000);
}

}  // namespace

Rates rates_between(const Status& before, const Status& now) {
  Rates rates;
  if (before.time_ns != 0) rates.seconds = static_cast<double>(now.time_ns - before.time_ns) * 1e-9;
  const Interval interval(rates.seconds);
  add_listeners(rates, interval, before, now);
  add_routes(rates, interval, before, now);
  return rates;
}

void add_rates(JsonDocument& json, const Rates& rates) {
  json.open_object("rates");
  add(json, "interval_seconds", rates.seconds);
  add(json, "read_bytes_per_second", rates.read_bytes);
  add(json, "events_per_second", rates.events);
  add(json, "delivered_per_second", rates.delivered);
  add(json, "lost_per_second", rates.lost);
  json.open_list("listeners");
  for (const Rates::Listener& listener : rates.listeners) {
    json.open_object();
    json.add("name", listener.name);
    add(json, "read_bytes_per_second", listener.read_bytes);
    add(json, "events_per_second", listener.events);
    add(json, "lost_per_second", listener.lost);
    json.close_object();
  }
  json.close_list();
  json.open_list("routes");
  for (const Rates::Route& route : rates.routes) {
    json.open_object();
    json.add("listener", route.listener);
    json.add("sink", route.sink);
    add(json, "events_per_second", route.events);
    add(json, "delivered_per_second", route.delivered);
    add(json, "lost_per_second", route.lost);
    json.close_object();
  }
  json.close_list();
  json.open_list("sinks");
  for (const Rates::Sink& sink : rates.sinks) {
    json.open_object();
    json.add("name", sink.name);
    add(json, "delivered_per_second", sink.delivered);
    add(json, "lost_per_second", sink.lost);
    json.close_object();
  }
  json.close_list();
  json.close_object();
}

}  // namespace penstock::admin
