#include "server/admin/socket_table.h"

#include <algorithm>
#include <cmath>

#include "protocols/core/utc_text.h"
#include "server/admin/json.h"
#include "server/log/wall_clock.h"
#include "server/net/peer_command.h"

namespace penstock::admin {
namespace {

constexpr std::size_t kLineBytes = 640;  // of JSON, about

/// One digit behind the point is enough, and short.
double rounded(double rate) { return std::round(rate * 10) / 10; }

double seconds(std::chrono::milliseconds time) { return static_cast<double>(time.count()) / 1e3; }

/// From /proc, once a process; those that the listener asked for already are there.
void add_commands(std::vector<SocketLine>& lines) {
  std::map<std::int32_t, std::string> known;
  for (SocketLine& line : lines) {
    Peer peer = line.own.peer;
    if (peer.kind != Peer::Kind::kUnix || peer.pid <= 0) continue;
    const auto [at, is_new] = known.try_emplace(peer.pid);
    if (is_new) {
      if (command_of(peer).empty()) read_command(peer);
      at->second = command_of(peer);
    }
    line.command = at->second;
  }
}

std::string utc_text(std::int64_t time_ns) {
  std::string text(kUtcTextBytes, '\0');
  write_utc(time_ns, text.data());
  return text;
}

void add_text_or_null(JsonDocument& json, std::string_view name, std::string_view text) {
  if (text.empty())
    json.add_null(name);
  else
    json.add(name, text);
}

void add_kernel_null(JsonDocument& json) {
  for (const char* name : {"receive_queue_bytes", "send_queue_bytes", "accept_queue", "backlog",
                           "receive_buffer_bytes", "receive_buffer_fill_bytes", "kernel_drops"})
    json.add_null(name);
}

void add_kernel(JsonDocument& json, const kernel::KernelSocket& socket, bool is_listening) {
  const auto number = [&](std::string_view name, std::uint32_t value, bool shown) {
    json.add(name, std::uint64_t{shown ? value : 0});
  };
  number("receive_queue_bytes", socket.receive_queue, !is_listening);
  number("send_queue_bytes", socket.send_queue, !is_listening);
  number("accept_queue", socket.receive_queue, is_listening);
  number("backlog", socket.send_queue, is_listening);
  number("receive_buffer_bytes", socket.receive_buffer_bytes, true);
  number("receive_buffer_fill_bytes", socket.receive_fill_bytes, true);
  number("kernel_drops", socket.drops, true);
}

void add_line(JsonDocument& json, const SocketLine& line) {
  const SocketRow& own = line.own;
  json.open_object();
  json.add("kind", to_string(own.kind));
  json.add("listener", own.origin->listener);
  json.add("url", own.origin->url);
  json.add("id", id_text(own.id));
  json.add("peer", line.peer);
  if (!line.command.empty()) json.add("command", line.command);
  if (line.kernel) json.add("inode", std::uint64_t{line.kernel->inode});
  add_text_or_null(json, "state", line.state());
  json.add("phase", to_string(own.phase));
  if (line.kernel)
    add_kernel(json, *line.kernel, line.is_listening());
  else
    add_kernel_null(json);
  json.add("unsent_reply_bytes", std::uint64_t{own.unsent_reply_bytes});
  json.add("read_bytes", own.read_bytes);
  json.add("events", own.events);
  json.add("bytes_per_second", rounded(own.rates.bytes));
  json.add("events_per_second", rounded(own.rates.events));
  json.add("held_bytes", std::uint64_t{own.held_bytes});
  json.add("age_seconds", seconds(own.age));
  json.add("idle_seconds", seconds(own.idle));
  if (own.paused)
    json.add("paused_seconds", seconds(*own.paused));
  else
    json.add_null("paused_seconds");
  add_text_or_null(json, "paused_by", own.paused_by);
  json.close_object();
}

}  // namespace

SocketTable::SocketTable(Source& source) : source_(source), kernel_(source.endpoints()) {}

HttpReply SocketTable::answer(const HttpRequest& request) {
  const auto begin = std::chrono::steady_clock::now();
  const auto query = SocketQuery::parse(request.query);
  if (!query) return HttpReply::error(400, query.error().message);
  SocketTableHead head;
  head.time_ns = wall_clock_ns();
  // Ours first: the kernel then knows each of them, unless it has closed meanwhile.
  const SocketSurvey survey = source_.sockets(kWait);
  const bool answered = kernel_.look();
  head.incomplete = !survey.complete || !answered;
  std::vector<SocketLine> lines = join(survey.rows, kernel_);
  if (!query->peer.empty() || query->sort == "command") add_commands(lines);
  head.total = select(lines, *query);
  add_commands(lines);
  head.took_ms =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin).count();
  return {.body = to_json(head, lines)};
}

std::vector<SocketLine> join(const std::vector<SocketRow>& rows, const KernelSockets& kernel) {
  std::vector<SocketLine> lines;
  lines.reserve(rows.size());
  for (const SocketRow& row : rows) {
    SocketLine line{row, {}, {}, {}};
    if (const kernel::KernelSocket* found = kernel.find(row.cookie)) line.kernel = *found;
    if (row.kind == SocketRow::Kind::kConnection) line.peer = to_string(row.peer);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string to_json(const SocketTableHead& head, const std::vector<SocketLine>& lines) {
  JsonDocument json((lines.size() + 1) * kLineBytes);
  json.open_object();
  json.add("time", utc_text(head.time_ns));
  json.add("took_ms", head.took_ms);
  json.add("incomplete", head.incomplete);
  json.add("total", std::uint64_t{head.total});
  json.open_list("sockets");
  for (const SocketLine& line : lines) add_line(json, line);
  json.close_list();
  json.close_object();
  std::string text;
  text.reserve(json.text().size() + 1);
  return text.append(json.text()).append(1, '\n');
}

}  // namespace penstock::admin
