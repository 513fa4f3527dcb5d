#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>

#include "server/config/checks.h"
#include "server/config/text.h"
#include "server/config/url_text.h"
#include "server/config/value_parsers.h"

namespace penstock::config {
namespace {

/// Kinds of socket, as bits: what a key needs, and what a listener's URLs have.
enum UrlKind : unsigned {
  kTcp = 1,
  kUdp = 2,
  kUnix = 4,
  kUnixgram = 8,
  kUnixpacket = 16,
  kPathname = 32,  ///< a unix socket with a file
  kEvery = 63,
};
constexpr unsigned kStream = kTcp | kUnix;
constexpr unsigned kConnected = kStream | kUnixpacket;
constexpr unsigned kMessages = kUdp | kUnixgram | kUnixpacket;

struct Need {
  std::string_view key;
  unsigned kinds;
  std::string_view urls;
};
constexpr std::array<Need, 13> kNeeds = {{
    {"framing", kStream, "tcp or unix URL: datagrams and packets are frames"},
    {"tail", kStream, "tcp or unix URL: datagrams and packets arrive whole"},
    {"split", kMessages, "udp, unixgram or unixpacket URL"},
    {"gro", kUdp, "udp URL"},
    {"keepalive", kTcp, "tcp URL"},
    {"backlog", kConnected, "tcp, unix or unixpacket URL"},
    {"max_connections", kConnected, "tcp, unix or unixpacket URL"},
    {"max_connections_per_peer", kConnected, "tcp, unix or unixpacket URL"},
    {"idle_timeout", kConnected, "tcp, unix or unixpacket URL"},
    {"first_byte_timeout", kConnected, "tcp, unix or unixpacket URL"},
    {"mode", kPathname, "unix socket with a path"},
    {"owner", kPathname, "unix socket with a path"},
    {"group", kPathname, "unix socket with a path"},
}};

// A scheme that is not known counts as all of them: net tells that problem, and no other follows from it.
unsigned kind_of(std::string_view url) {
  const auto split = url.find("://");
  const auto scheme = url.substr(0, split);
  if (split == std::string_view::npos) return kEvery;
  const unsigned pathname =
      url.substr(split + 3).starts_with('@') ? 0u : static_cast<unsigned>(kPathname);
  if (scheme == "tcp" || scheme == "tcp4" || scheme == "tcp6") return kTcp;
  if (scheme == "udp" || scheme == "udp4" || scheme == "udp6") return kUdp;
  if (scheme == "unix") return kUnix | pathname;
  if (scheme == "unixgram") return kUnixgram | pathname;
  if (scheme == "unixpacket") return kUnixpacket | pathname;
  return kEvery;
}

// One delimiter at the end of a datagram is framing too, see take_datagram of the raw protocol.
bool is_for_messages(const Listener& listener, std::string_view key) {
  return key == "framing" && (listener.frames.framing == Framing::kNul ||
                              listener.frames.framing == Framing::kDelimiter);
}

void check_need(Draft& draft, const TableSource& source, const Need& need, unsigned kinds) {
  const auto given = source.keys.find(need.key);
  if (given == source.keys.end() || (need.kinds & kinds) != 0) return;
  source.warn(draft.problems, given->second.key, need.key,
              "no effect: listen has no " + std::string(need.urls));
}

void check_needs(Draft& draft, const Listener& listener, const TableSource& source) {
  if (listener.listen.empty() || !source.sound("listen")) return;
  unsigned kinds = 0;
  for (const auto& entry : listener.listen) kinds |= kind_of(entry.url);
  for (const auto& need : kNeeds) {
    if (!is_for_messages(listener, need.key)) check_need(draft, source, need, kinds);
  }
}

void check_limits(Draft& draft, const Listener& listener, const TableSource& source) {
  const auto all = draft.config.server.max_connections;
  const auto here = listener.max_connections, peer = listener.max_connections_per_peer;
  if (here != 0 && peer > here) {
    source.warn(draft.problems, source.place_of("max_connections_per_peer"),
                "max_connections_per_peer",
                "no effect: " + std::to_string(peer) + " is more than max_connections, " +
                    std::to_string(here));
  }
  if (all != 0 && here > all) {
    source.warn(draft.problems, source.place_of("max_connections"), "max_connections",
                "no effect: " + std::to_string(here) + " is more than server.max_connections, " +
                    std::to_string(all));
  }
}

void check_encoding(Draft& draft, const Listener& listener, const TableSource& source) {
  if (listener.content_encoding != ContentEncoding::kNone || !source.sound("content_encoding"))
    return;
  for (const std::string_view key : {"max_decompressed_bytes", "max_decompressed_ratio"}) {
    if (source.has(key))
      source.warn(draft.problems, source.place_of(key), key,
                  "no effect: content_encoding is \"none\"");
  }
}

// Asks a getXXnam_r function; a database that cannot be read has no names.
template <class Entry, class Function>
bool is_in_database(Function find, const std::string& name) {
  std::string buffer(16 << 10, '\0');
  for (;;) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = find(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE && buffer.size() < (std::size_t{1} << 20)) {
      buffer.resize(buffer.size() * 2);
      continue;
    }
    return found != nullptr;
  }
}

// chown(2) takes 32 bits, and the highest means "leave it".
bool is_id(const std::string& text) {
  const auto number = parse_number(text);
  return number && *number <= 4294967294;
}

void check_accounts(Draft& draft, const Listener& listener, const TableSource& source) {
  if (!listener.owner.empty() && !is_id(listener.owner) &&
      !is_in_database<passwd>(getpwnam_r, listener.owner)) {
    const auto& item = source.item("owner", 0);
    source.error(draft.problems, item.place, "owner", "no user " + item.shown + " on this machine");
  }
  if (!listener.group.empty() && !is_id(listener.group) &&
      !is_in_database<group>(getgrnam_r, listener.group)) {
    const auto& item = source.item("group", 0);
    source.error(draft.problems, item.place, "group",
                 "no group " + item.shown + " on this machine");
  }
}

/// Where a URL was listed first.
struct Seen {
  const TableSource* listener;
  Place place;
};

// Within one listener a text that comes twice is told when the list is read. What is told here is taken out of the
// list, so that net's checks of the URLs do not tell it again.
void check_urls_of(Listener& listener, const TableSource& source, std::map<std::string, Seen>& seen,
                   Problems& problems) {
  if (!source.has("listen")) {
    source.error(problems, source.place, "listen",
                 "missing, expected a URL or a list of URLs, such as \"tcp://:5514\"");
  }
  std::vector<ListenUrl> listen;
  for (std::size_t i = 0; i < listener.listen.size(); ++i) {
    const auto& item = source.item("listen", i);
    // One group on two interfaces is two addresses; what else has an interface, net tells apart.
    const std::string address = item.text + ' ' + listener.multicast.interface;
    const auto first = seen.find(address);
    if (first == seen.end()) {
      if (!asks_any_port(item.text)) seen.emplace(address, Seen{&source, item.place});
      listen.push_back(listener.listen[i]);
      continue;
    }
    source.error(problems, item.place, "listen",
                 item.shown + " is taken already by " + first->second.listener->title +
                     " in line " + std::to_string(first->second.place.line));
  }
  listener.listen = std::move(listen);
}

}  // namespace

void check_listeners(Draft& draft) {
  std::map<std::string, Seen> seen;
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    auto& listener = draft.config.listeners[i];
    check_needs(draft, listener, draft.listeners[i]);
    check_limits(draft, listener, draft.listeners[i]);
    check_encoding(draft, listener, draft.listeners[i]);
    check_accounts(draft, listener, draft.listeners[i]);
    check_urls_of(listener, draft.listeners[i], seen, draft.problems);
  }
}

}  // namespace penstock::config
