#include "server/net/check_listen.h"

#include <algorithm>
#include <optional>

#include "server/net/check_multicast.h"
#include "server/net/listen_claim.h"
#include "server/net/multicast.h"
#include "server/net/url.h"

namespace penstock {
namespace {

/// An entry that is good by itself.
struct Entry {
  const config::Listener* listener = nullptr;
  config::Place place;
  Url url;
  ListenClaim claim;
};

config::Problem problem(const config::Listener& listener, config::Place place,
                        const std::string& text) {
  return {.place = place, .text = "listener " + shown(listener.name) + ": listen: " + text};
}

std::string where(const Entry& entry, const config::Listener& seen_from) {
  std::string text = shown(entry.url.text);
  if (entry.listener != &seen_from) text += " of listener " + shown(entry.listener->name);
  if (entry.place.line != 0) text += " (line " + std::to_string(entry.place.line) + ')';
  return text;
}

bool is_dual(const ListenClaim& claim) noexcept { return claim.wildcard && claim.v4 && claim.v6; }

/// A wildcard can take a group's datagrams as well, once it has joined.
std::string group_advice(const Entry& a, const Entry& b) {
  return a.claim.group || b.claim.group ? "; list the group in multicast.groups instead" : "";
}

/// Why two entries that are not the same address cannot stand side by side.
std::string why_not(const Entry& first, const Entry& second) {
  const Entry& wide = is_dual(first.claim) ? first : second;
  const Entry& narrow = &wide == &first ? second : first;
  const std::string base = is_tcp(wide.url.scheme) ? "tcp" : "udp";
  const std::string port = std::to_string(wide.url.port);
  if (!is_dual(wide.claim)) {
    const std::string name =
        std::string(to_string(wide.claim.wildcard ? wide.url.scheme : narrow.url.scheme));
    return name + "://:" + port + " already takes every address of its family on this port" +
           group_advice(wide, narrow);
  }
  const std::string family = narrow.claim.v4 && narrow.claim.v6 ? "both families"
                             : narrow.claim.v4                  ? "IPv4"
                                                                : "IPv6";
  return base + "://:" + port + " is one socket that takes IPv4 and IPv6, so " + family +
         " on this port " + (family == "both families" ? "are" : "is") +
         " taken; drop one of the two, or write " + base + "4:// and " + base +
         "6:// with the addresses you want" + group_advice(wide, narrow);
}

bool same_address(const ListenClaim& a, const ListenClaim& b) {
  return (is_unix(a.scheme) && a.name == b.name) ||
         (a.wildcard == b.wildcard && a.v4 == b.v4 && a.v6 == b.v6 && a.name == b.name);
}

config::Problem clash(const Entry& first, const Entry& second) {
  const config::Listener& listener = *second.listener;
  std::string text = shown(second.url.text);
  if (first.url.text == second.url.text) {
    text += " is listed twice, first as " + where(first, listener);
  } else if (is_unix(second.url.scheme) && first.claim.name != second.claim.name) {
    const bool first_is_lock = is_lock_of(first.claim, second.claim);
    text += " cannot stand beside " + where(first, listener) + ": " +
            shown((first_is_lock ? first : second).url.path) + " is the lock file of " +
            shown((first_is_lock ? second : first).url.path) + ", which needs that name";
  } else if (same_address(first.claim, second.claim)) {
    text += (is_unix(second.url.scheme) ? " is the same path as " : " is the same address as ") +
            where(first, listener);
  } else if (!first.claim.wildcard && !second.claim.wildcard) {
    text += " takes addresses of the same host and port as " + where(first, listener);
  } else {
    text += " cannot be bound beside " + where(first, listener) + ": " + why_not(first, second);
  }
  return problem(listener, second.place, text);
}

/// Reads one entry: an error that shows without the resolver, or the entry.
std::optional<Entry> read_entry(const config::Listener& listener, const config::ListenUrl& listen,
                                config::Problems& problems) {
  const auto url = parse_url(listen.url);
  if (!url) {
    problems.push_back(problem(listener, listen.place, url.error().message));
    return {};
  }
  if (const auto zone = check_zone(*url); !zone) {
    problems.push_back(problem(listener, listen.place, zone.error().message));
    return {};
  }
  // What is no host name fails without the network; the interface of a zone is a matter of the machine.
  if (url->zone.empty() && (!needs_lookup(*url) || !is_host_name(url->host))) {
    if (const auto addresses = resolve(*url, InetSupport{}); !addresses) {
      problems.push_back(problem(listener, listen.place, addresses.error().message));
      return {};
    } else if (is_tcp(url->scheme) && is_multicast(addresses->front())) {
      problems.push_back(
          problem(listener, listen.place,
                  shown(url->text) + ": " + multicast_needs_udp(addresses->front())));
      return {};
    }
  }
  return Entry{&listener, listen.place, *url, claim_of(*url, listener.multicast.interface)};
}

/// The entries of one listener, each compared with all before it.
void check_listener(const config::Listener& listener, std::vector<Entry>& entries,
                    config::Problems& problems) {
  std::vector<ListenEntry> good;
  for (const config::ListenUrl& listen : listener.listen) {
    auto entry = read_entry(listener, listen, problems);
    if (!entry) continue;
    good.push_back({entry->url, entry->place});
    const auto clashes = [&](const Entry& earlier) {
      return conflict(earlier.claim, entry->claim);
    };
    const auto earlier =
        std::find_if(entries.begin(), entries.end(), clashes);  // one reason is enough
    if (earlier != entries.end()) problems.push_back(clash(*earlier, *entry));
    entries.push_back(std::move(*entry));
  }
  const bool complete = !good.empty() && good.size() == listener.listen.size();
  const config::Problems groups = check_multicast(listener, good, complete);
  problems.insert(problems.end(), groups.begin(), groups.end());
}

}  // namespace

config::Problems check_listen(const config::Config& config) {
  config::Problems problems;
  std::vector<Entry> entries;
  for (const config::Listener& listener : config.listeners)
    check_listener(listener, entries, problems);
  return problems;
}

}  // namespace penstock
