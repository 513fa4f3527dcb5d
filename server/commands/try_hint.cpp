#include "server/commands/try_hint.h"

#include "server/net/url.h"

namespace penstock {
namespace {

/// Where a client on this machine reaches a wildcard address.
std::string reachable_host(const Url& url) {
  if (!url.host.empty() && url.host != "0.0.0.0" && url.host != "::") return url.host;
  return url.scheme == Scheme::kTcp6 || url.scheme == Scheme::kUdp6 ? "::1" : "127.0.0.1";
}

std::string command_for(const Url& url) {
  const std::string path = url.path.substr(0, 1) == "@" ? "ABSTRACT-CONNECT:" + url.path.substr(1)
                                                        : "UNIX-CONNECT:" + url.path;
  switch (url.scheme) {
    case Scheme::kTcp:
    case Scheme::kTcp4:
    case Scheme::kTcp6:
      return "logger --tcp --server " + reachable_host(url) + " --port " +
             std::to_string(url.port) + " \"hello penstock\"";
    case Scheme::kUdp:
    case Scheme::kUdp4:
    case Scheme::kUdp6:
      return "logger --udp --server " + reachable_host(url) + " --port " +
             std::to_string(url.port) + " \"hello penstock\"";
    case Scheme::kUnix: return "echo \"hello penstock\" | socat - " + path;
    case Scheme::kUnixgram:
      return url.path.substr(0, 1) == "@" ? ""
                                          : "logger --socket " + url.path + " \"hello penstock\"";
    case Scheme::kUnixpacket: return "printf \"hello penstock\" | socat - " + path + ",type=5";
  }
  return {};
}

}  // namespace

std::string try_hint(const std::vector<std::string>& urls) {
  std::string best;
  auto best_scheme = Scheme::kUnixpacket;
  for (const std::string& text : urls) {
    const auto url = parse_url(text);
    if (!url || (!best.empty() && url->scheme >= best_scheme)) continue;
    const std::string command = command_for(*url);
    if (command.empty()) continue;
    best = command;
    best_scheme = url->scheme;
  }
  return best;
}

}  // namespace penstock
