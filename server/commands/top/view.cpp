#include "server/commands/top/view.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "server/commands/top/units.h"

namespace penstock {
namespace {

constexpr std::size_t kNameColumns = 12;
constexpr std::size_t kPeerColumns = 22;
constexpr std::size_t kBarColumns = 20;
constexpr std::size_t kMaxReasons = 4;
constexpr std::size_t kMaxQuarantined = 3;
constexpr std::size_t kClockAt = 11, kClockColumns = 8;  // of an RFC 3339 time
constexpr double kNearlyFull = 0.8;

/// Control bytes and everything beyond ASCII would move the columns: names of files and commands may hold any bytes.
std::string printable(std::string_view text) {
  std::string shown;
  for (const char c : text) shown += c >= ' ' && c <= '~' ? c : '?';
  return shown;
}

std::string left(std::string_view text, std::size_t columns) {
  std::string shown = printable(text.substr(0, columns));
  if (text.size() > columns && columns > 0) shown.back() = '~';
  shown.resize(columns, ' ');
  return shown;
}

std::string right(std::string_view text, std::size_t columns) {
  const std::string shown = printable(text.substr(0, columns));
  return std::string(columns - shown.size(), ' ') + shown;
}

Line cut(const Line& line, std::size_t columns) {
  Line shown;
  for (const Span& span : line) {
    if (columns == 0) break;
    shown.push_back({span.text.substr(0, columns), span.style});
    columns -= shown.back().text.size();
  }
  return shown;
}

double share(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

/// `[||||||      ]`, the part that is full in the colour of how full it is.
void add_bar(Line& line, double full, bool bad) {
  const auto filled =
      static_cast<std::size_t>(std::lround(std::clamp(full, 0.0, 1.0) * kBarColumns));
  const Style style = bad ? Style::kBad : full >= kNearlyFull ? Style::kWarn : Style::kGood;
  line.push_back({"["});
  line.push_back({std::string(filled, '|'), style});
  line.push_back({std::string(kBarColumns - filled, ' ') + "]"});
}

double rate(std::uint64_t now, std::uint64_t before, double seconds) {
  return now > before && seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

template <class One>
const One* same_name(const std::vector<One>& list, const std::string& name) {
  const auto found =
      std::find_if(list.begin(), list.end(), [&](const One& one) { return one.name == name; });
  return found != list.end() ? &*found : nullptr;
}

bool matches(const std::string& filter, std::initializer_list<std::string_view> texts) {
  return filter.empty() || std::any_of(texts.begin(), texts.end(), [&](std::string_view text) {
           return text.find(filter) != std::string_view::npos;
         });
}

Style of_count(std::uint64_t count) { return count != 0 ? Style::kBad : Style::kPlain; }

std::string joined(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ",") + name;
  return all;
}

// ---- the parts ----------------------------------------------------------------------------------------------------

Line server_line(const Looks& looks, const ViewOptions& options) {
  const Sample& s = looks.now;
  Line line{{"penstock " + printable(s.version) + "  ", Style::kHeader},
            {printable(s.host) + "  pid " + std::to_string(s.pid) + "  up " +
             short_time(s.uptime_seconds) + "  "}};
  line.push_back({printable(s.phase), s.phase == "serving" ? Style::kGood : Style::kWarn});
  if (!s.ready) line.push_back({"  NOT READY", Style::kBad});
  if (options.frozen) line.push_back({"  (held: space goes on)", Style::kWarn});
  return line;
}

Line memory_line(const Sample& s) {
  const double full = share(s.memory_bytes, s.max_memory_bytes);
  Line line{{"memory "}};
  add_bar(line, full, s.memory_pressed);
  line.push_back({right(short_bytes(static_cast<double>(s.memory_bytes)), 5) + " of " +
                  short_bytes(static_cast<double>(s.max_memory_bytes))});
  line.push_back({"   connections " + short_number(static_cast<double>(s.connections)) + " of " +
                  short_number(static_cast<double>(s.max_connections))});
  if (s.paused != 0)
    line.push_back({"   paused " + short_number(static_cast<double>(s.paused)), Style::kWarn});
  return line;
}

void add_listeners(const Looks& looks, const ViewOptions& options, std::vector<Line>& lines) {
  lines.push_back({{left("LISTENER", kNameColumns) +
                        "   IN/s  REC/s  CONN PAUSE RECV-Q ACC-Q  DROPS REJECT  GATE",
                    Style::kHeader}});
  for (const ListenerSample& one : looks.now.listeners) {
    if (!matches(options.filter, {one.name})) continue;
    const ListenerSample* before =
        looks.before ? same_name(looks.before->listeners, one.name) : nullptr;
    const double bytes = before ? rate(one.read_bytes, before->read_bytes, looks.seconds) : 0;
    const double events = before ? rate(one.events, before->events, looks.seconds) : 0;
    Line line{{left(one.name, kNameColumns)},
              {right(short_bytes(bytes), 7) + right(short_number(events), 7) +
               right(short_number(static_cast<double>(one.active)), 6)}};
    line.push_back({right(short_number(static_cast<double>(one.paused)), 6),
                    one.paused != 0 ? Style::kWarn : Style::kPlain});
    line.push_back({right(short_bytes(static_cast<double>(one.receive_queue_bytes)), 7) +
                    right(short_number(static_cast<double>(one.accept_queue)), 6)});
    line.push_back({right(short_number(static_cast<double>(one.kernel_drops)), 7),
                    of_count(one.kernel_drops)});
    line.push_back(
        {right(short_number(static_cast<double>(one.rejected)), 7), of_count(one.rejected)});
    if (one.shut_by.empty())
      line.push_back({"  open", Style::kGood});
    else
      line.push_back({"  shut: " + printable(joined(one.shut_by)), Style::kBad});
    lines.push_back(std::move(line));
  }
}

void add_sinks(const Looks& looks, const ViewOptions& options, std::vector<Line>& lines) {
  lines.push_back({{left("SINK", kNameColumns) + "  OUT/s  " + left("QUEUE", kBarColumns + 3) +
                        " BYTES QUEUED   LOST  STATE",
                    Style::kHeader}});
  for (const SinkSample& one : looks.now.sinks) {
    if (!matches(options.filter, {one.name})) continue;
    const SinkSample* before = looks.before ? same_name(looks.before->sinks, one.name) : nullptr;
    const double out = before ? rate(one.delivered, before->delivered, looks.seconds) : 0;
    Line line{{left(one.name, kNameColumns) + right(short_number(out), 7) + "  "}};
    add_bar(line, share(one.queue_bytes, one.queue_max_bytes), !one.queue_open || one.failing);
    line.push_back({right(short_bytes(static_cast<double>(one.queue_bytes)), 7) +
                    right(short_number(static_cast<double>(one.queued)), 7)});
    line.push_back({right(short_number(static_cast<double>(one.lost)), 7), of_count(one.lost)});
    if (one.failing)
      line.push_back({"  fails: " + printable(one.last_error), Style::kBad});
    else if (!one.queue_open)
      line.push_back({"  full", Style::kBad});
    else if (!one.delivery_error.empty())
      line.push_back({"  behind: " + printable(one.delivery_error), Style::kBad});
    else
      line.push_back({"  ok", Style::kGood});
    lines.push_back(std::move(line));
  }
}

Line quarantine_line(const Sample& s) {
  Line line{{"quarantine ", Style::kHeader},
            {short_number(static_cast<double>(s.quarantined)) + " kept"}};
  if (s.quarantine_dropped != 0)
    line.push_back(
        {"  " + short_number(static_cast<double>(s.quarantine_dropped)) + " dropped", Style::kBad});
  auto reasons = s.reasons;
  std::sort(reasons.begin(), reasons.end(),
            [](const ReasonSample& a, const ReasonSample& b) { return a.count > b.count; });
  for (std::size_t at = 0; at < std::min(reasons.size(), kMaxReasons); ++at)
    line.push_back({"  " + printable(reasons[at].reason) + ' ' +
                    short_number(static_cast<double>(reasons[at].count))});
  return line;
}

/// When, why, from whom, and how it begins.
Line quarantined_line(const QuarantinedSample& one) {
  const std::string clock =
      one.time.size() > kClockAt ? one.time.substr(kClockAt, kClockColumns) : "";
  return {{"  " + left(clock, kClockColumns) + ' ' + left(one.reason, 12) + ' ' +
           left(one.listener, kNameColumns - 4) + ' ' + left(one.peer, kPeerColumns)},
          {right(short_bytes(static_cast<double>(one.size)), 6) + ' ' + printable(one.bytes),
           Style::kDim}};
}

bool comes_before(const PeerSample& a, const PeerSample& b, PeerSort sort) {
  switch (sort) {
    case PeerSort::kRate: return a.bytes_per_second > b.bytes_per_second;
    case PeerSort::kReceiveQueue: return a.receive_queue_bytes > b.receive_queue_bytes;
    case PeerSort::kPaused: return a.paused_seconds > b.paused_seconds;
    case PeerSort::kIdle: return a.idle_seconds > b.idle_seconds;
    case PeerSort::kPeer:
    case PeerSort::kCount: break;
  }
  return a.peer < b.peer;
}

std::vector<PeerSample> chosen_peers(const Looks& looks, const ViewOptions& options) {
  std::vector<PeerSample> peers;
  for (const PeerSample& one : looks.peers)
    if (matches(options.filter, {one.peer, one.command, one.url, one.listener}))
      peers.push_back(one);
  std::stable_sort(peers.begin(), peers.end(), [&](const PeerSample& a, const PeerSample& b) {
    return comes_before(a, b, options.sort);
  });
  return peers;
}

Line peer_line(const PeerSample& one) {
  const std::string who = one.peer.empty()      ? one.url
                          : one.command.empty() ? one.peer
                                                : one.command + ' ' + one.peer;
  Line line{
      {left(who, kPeerColumns) + ' ' + left(one.listener, kNameColumns - 4)},
      {right(short_bytes(one.bytes_per_second), 7) + right(short_number(one.events_per_second), 7) +
       right(short_bytes(static_cast<double>(one.receive_queue_bytes)), 7) +
       right(short_bytes(static_cast<double>(one.send_queue_bytes)), 7) +
       right(short_time(one.idle_seconds), 6)}};
  if (one.paused_seconds >= 0)
    line.push_back(
        {"  " + short_time(one.paused_seconds) + ' ' + printable(one.paused_by), Style::kBad});
  else if (one.kernel_drops != 0)
    line.push_back({"  drops " + short_number(static_cast<double>(one.kernel_drops)), Style::kBad});
  return line;
}

void add_peers(const Looks& looks, const ViewOptions& options, std::vector<Line>& lines) {
  const std::vector<PeerSample> peers = chosen_peers(looks, options);
  if (peers.empty()) return;
  lines.push_back({{left("PEER", kPeerColumns) + ' ' + left("LISTENER", kNameColumns - 4) +
                        "   IN/s  REC/s RECV-Q SEND-Q  IDLE  PAUSED",
                    Style::kHeader}});
  for (std::size_t at = std::min(options.first_peer, peers.size() - 1); at < peers.size(); ++at)
    lines.push_back(peer_line(peers[at]));
}

}  // namespace

std::string to_text(const Line& line) {
  std::string text;
  for (const Span& span : line) text += span.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

std::string_view to_string(PeerSort sort) noexcept {
  constexpr std::array<std::string_view, static_cast<std::size_t>(PeerSort::kCount)> names = {
      "rate", "recv-q", "paused", "idle", "peer"};
  return names[static_cast<std::size_t>(sort)];
}

Line waiting_sentence(const Sample& sample) {
  std::uint64_t kernel_bytes = 0;
  for (const ListenerSample& listener : sample.listeners)
    kernel_bytes += listener.receive_queue_bytes;
  const std::string behind = ": " + short_number(static_cast<double>(sample.paused)) + " paused, " +
                             short_bytes(static_cast<double>(kernel_bytes)) + " in Recv-Q";
  for (const SinkSample& sink : sample.sinks) {
    if (sink.queue_open && !sink.failing) continue;
    const std::string why = sink.failing ? "it cannot write" : "it does not take its data";
    return {{"bytes wait at sink " + printable(sink.name) + ", ", Style::kBad},
            {why + behind, Style::kBad}};
  }
  for (const ListenerSample& listener : sample.listeners) {
    if (listener.paused == 0 && listener.shut_by.empty()) continue;
    return {{"bytes wait at listener " + printable(listener.name) + " for memory" + behind,
             Style::kBad}};
  }
  if (sample.memory_pressed)
    return {{"memory is more than half used, listeners hold little", Style::kWarn}};
  return {{"nothing waits", Style::kDim}};
}

std::vector<Line> view(const Looks& looks, const ViewOptions& options) {
  std::vector<Line> lines;
  lines.push_back(server_line(looks, options));
  lines.push_back(memory_line(looks.now));
  lines.push_back(looks.trouble.empty() ? waiting_sentence(looks.now)
                                        : Line{{printable(looks.trouble), Style::kBad}});
  lines.emplace_back();
  add_listeners(looks, options, lines);
  lines.emplace_back();
  add_sinks(looks, options, lines);
  lines.emplace_back();
  lines.push_back(quarantine_line(looks.now));
  const auto& last = looks.now.last_quarantined;
  for (std::size_t at = 0; at < std::min(last.size(), kMaxQuarantined); ++at)
    lines.push_back(quarantined_line(last[at]));
  lines.emplace_back();
  add_peers(looks, options, lines);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  if (options.lines != 0 && lines.size() > options.lines) lines.resize(options.lines);
  for (Line& line : lines) line = cut(line, options.columns);
  return lines;
}

}  // namespace penstock
