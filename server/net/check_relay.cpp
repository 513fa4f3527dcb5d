#include "server/net/check_relay.h"

#include <optional>
#include <string>

#include "server/net/url.h"

namespace penstock {
namespace {

bool means_this_machine(const Url& url) noexcept {
  return url.host.empty() || url.host == "localhost" || url.host == "127.0.0.1" ||
         url.host == "::1";
}

/// A record sent to `to` would come in at `listen`.
bool leads_to(const Url& to, const Url& listen) noexcept {
  if (is_unix(to.scheme)) return to.scheme == listen.scheme && to.path == listen.path;
  const bool same_kind =
      (is_tcp(to.scheme) && is_tcp(listen.scheme)) || (is_udp(to.scheme) && is_udp(listen.scheme));
  return same_kind && to.port == listen.port &&
         (to.host == listen.host || (means_this_machine(to) && means_this_machine(listen)));
}

bool takes_records_of(const config::Listener& listener, const config::Sink& sink) {
  for (const auto* names : {&listener.sinks, &listener.best_effort_sinks})
    for (const std::string& name : *names)
      if (name == sink.name) return true;
  return false;
}

/// The URL of a listener that would send the records to `to` again; empty: none.
std::string circle(const config::Config& config, const config::Sink& sink, const Url& to) {
  for (const config::Listener& listener : config.listeners) {
    if (!takes_records_of(listener, sink)) continue;
    for (const config::ListenUrl& entry : listener.listen) {
      const auto listen = parse_url(entry.url);
      if (listen && leads_to(to, *listen)) return "listener \"" + listener.name + '"';
    }
  }
  return {};
}

std::string problem_with(const config::Config& config, const config::Sink& sink, const Url& url,
                         bool streams) {
  if (!is_unix(url.scheme) && url.port == 0)
    return shown(url.text) + ": a port to send to is needed";
  if (sink.relay.protocol == config::RelayProtocol::kForward && !is_stream(url.scheme))
    return shown(url.text) +
           ": protocol = \"forward\" is spoken over streams, expected a tcp or unix URL";
  if (is_stream(url.scheme) != streams)
    return shown(url.text) +
           ": streams (tcp, unix) and messages (udp, unixgram, unixpacket) do not go together in "
           "one sink, expected one kind";
  const std::string listener = circle(config, sink, url);
  if (!listener.empty())
    return shown(url.text) + " is an address of " + listener +
           ", which sends to this sink: records would go in a circle";
  return {};
}

void check_one(const config::Config& config, const config::Sink& sink, config::Problems& problems) {
  const std::string title = "sink \"" + sink.name + "\": to: ";
  std::optional<bool> streams;
  for (const config::ListenUrl& entry : sink.relay.to) {
    const auto url = parse_url(entry.url);
    if (!url) {
      problems.push_back({entry.place, title + url.error().message});
      continue;
    }
    if (!streams) streams = is_stream(url->scheme);
    if (std::string text = problem_with(config, sink, *url, *streams); !text.empty())
      problems.push_back({entry.place, title + text});
  }
}

}  // namespace

config::Problems check_relay(const config::Config& config) {
  config::Problems problems;
  for (const config::Sink& sink : config.sinks)
    if (sink.type == config::SinkType::kRelay) check_one(config, sink, problems);
  return problems;
}

}  // namespace penstock
