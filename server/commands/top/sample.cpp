#include "server/commands/top/sample.h"

#include <algorithm>

#include "server/commands/answer_json.h"

namespace penstock {
namespace {

using rapidjson::Value;

std::uint64_t number(const Value& object, const char* name) {
  const Value& value = member(object, name);
  return value.IsUint64() ? value.GetUint64() : 0;
}
double real(const Value& object, const char* name, double absent = 0) {
  const Value& value = member(object, name);
  return value.IsNumber() ? value.GetDouble() : absent;
}
bool flag(const Value& object, const char* name, bool absent = false) {
  const Value& value = member(object, name);
  return value.IsBool() ? value.GetBool() : absent;
}
template <class Visit>
void for_each(const Value& list, Visit&& visit) {
  if (!list.IsArray()) return;
  for (const Value& item : list.GetArray()) visit(item);
}

/// Of a map from reasons to counts.
std::uint64_t sum(const Value& map) {
  std::uint64_t all = 0;
  if (!map.IsObject()) return all;
  for (const auto& entry : map.GetObject())
    all += entry.value.IsUint64() ? entry.value.GetUint64() : 0;
  return all;
}

ListenerSample listener_of(const Value& from) {
  ListenerSample listener;
  listener.name = text_member(from, "name");
  listener.read_bytes = number(from, "read_bytes");
  listener.events = number(from, "events");
  listener.active = number(member(from, "connections"), "active");
  listener.paused = number(member(from, "connections"), "paused");
  listener.receive_queue_bytes = number(member(from, "kernel"), "receive_queue_bytes");
  listener.accept_queue = number(member(from, "kernel"), "accept_queue");
  listener.kernel_drops = number(from, "kernel_drops");
  listener.rejected = sum(member(from, "rejected"));
  for_each(member(member(from, "gate"), "shut_by"), [&](const Value& name) {
    if (name.IsString()) listener.shut_by.emplace_back(name.GetString());
  });
  return listener;
}

SinkSample sink_of(const Value& from) {
  SinkSample sink;
  sink.name = text_member(from, "name");
  sink.type = text_member(from, "type");
  sink.last_error = text_member(from, "last_error");
  sink.failing = flag(from, "failing");
  const Value& queue = member(from, "queue");
  sink.queue_open = flag(queue, "open", true);
  sink.queue_bytes = number(queue, "bytes");
  sink.queue_max_bytes = number(queue, "max_bytes");
  const Value& disk = member(from, "disk_queue");
  if (!disk.IsObject()) return sink;
  sink.queue_bytes = number(disk, "bytes");
  sink.queue_max_bytes = number(disk, "max_bytes");
  if (flag(disk, "delivering", true) || !flag(from, "taking", true)) return sink;
  sink.delivery_error = text_member(disk, "delivery_error");
  sink.failing = false;  // it is behind: all of it is kept
  return sink;
}

void add_route(const Value& from, std::vector<SinkSample>& sinks) {
  const std::string name = text_member(from, "sink");
  const auto sink = std::find_if(sinks.begin(), sinks.end(),
                                 [&](const SinkSample& one) { return one.name == name; });
  if (sink == sinks.end()) return;
  sink->delivered += number(from, "delivered");
  sink->queued += number(from, "queued");
  sink->lost += sum(member(from, "lost"));
}

PeerSample peer_of(const Value& from) {
  PeerSample peer;
  peer.peer = text_member(from, "peer");
  peer.command = text_member(from, "command");
  peer.url = text_member(from, "url");
  peer.listener = text_member(from, "listener");
  peer.state = text_member(from, "state");
  peer.phase = text_member(from, "phase");
  peer.paused_by = text_member(from, "paused_by");
  peer.bytes_per_second = real(from, "bytes_per_second");
  peer.events_per_second = real(from, "events_per_second");
  peer.idle_seconds = real(from, "idle_seconds");
  peer.paused_seconds = real(from, "paused_seconds", -1);
  peer.receive_queue_bytes = number(from, "receive_queue_bytes");
  peer.send_queue_bytes = number(from, "send_queue_bytes");
  peer.kernel_drops = number(from, "kernel_drops");
  peer.is_datagram = text_member(from, "kind") == "datagram";
  return peer;
}

}  // namespace

Result<Sample> parse_sample(std::string_view json) {
  const auto document = parse_answer(json);
  if (!document) return tl::unexpected(document.error());
  Sample sample;
  sample.version = text_member(*document, "version");
  sample.host = text_member(*document, "host");
  sample.phase = text_member(*document, "phase");
  sample.pid = static_cast<int>(number(*document, "pid"));
  sample.uptime_seconds = real(*document, "uptime_seconds");
  sample.ready = flag(*document, "ready");
  const Value& connections = member(*document, "connections");
  sample.connections = number(connections, "active");
  sample.max_connections = number(connections, "max");
  sample.paused = number(connections, "paused");
  const Value& memory = member(*document, "memory");
  sample.memory_bytes = number(memory, "used_bytes");
  sample.max_memory_bytes = number(memory, "max_bytes");
  sample.memory_pressed = flag(memory, "pressed");
  for_each(member(*document, "listeners"),
           [&](const Value& one) { sample.listeners.push_back(listener_of(one)); });
  for_each(member(*document, "sinks"),
           [&](const Value& one) { sample.sinks.push_back(sink_of(one)); });
  for_each(member(*document, "routes"), [&](const Value& one) { add_route(one, sample.sinks); });
  const Value& quarantine = member(*document, "quarantine");
  sample.quarantined = number(quarantine, "entries");
  sample.quarantine_dropped = number(quarantine, "dropped");
  for_each(member(quarantine, "by_reason"), [&](const Value& one) {
    sample.reasons.push_back(
        {text_member(one, "reason"), text_member(one, "listener"), number(one, "count")});
  });
  for_each(member(quarantine, "last"), [&](const Value& one) {
    sample.last_quarantined.push_back({text_member(one, "time"), text_member(one, "listener"),
                                       text_member(one, "peer"), text_member(one, "reason"),
                                       text_member(one, "bytes"), number(one, "size")});
  });
  return sample;
}

Result<std::vector<PeerSample>> parse_peers(std::string_view json) {
  const auto document = parse_answer(json);
  if (!document) return tl::unexpected(document.error());
  std::vector<PeerSample> peers;
  for_each(member(*document, "sockets"), [&](const Value& one) { peers.push_back(peer_of(one)); });
  return peers;
}

}  // namespace penstock
