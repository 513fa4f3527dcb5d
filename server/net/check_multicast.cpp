#include "server/net/check_multicast.h"

#include <net/if.h>

#include <algorithm>
#include <cctype>

#include "server/net/multicast.h"

namespace penstock {
namespace {

/// An IP literal of the `multicast` table, its zone apart: whether that exists is a matter of the machine.
struct Ip {
  SocketAddress address;
  std::string zone;
  std::string text;
  config::Place place;
};

std::string_view family_name(int family) noexcept { return family == AF_INET ? "IPv4" : "IPv6"; }

/// A zone may also be an interface's number, which only the machine can compare with a name.
bool is_number(std::string_view zone) {
  return std::all_of(zone.begin(), zone.end(),
                     [](unsigned char c) { return std::isdigit(c) != 0; });
}

class Checker {
 public:
  Checker(const config::Listener& listener, const std::vector<ListenEntry>& entries, bool complete)
      : listener_(listener), entries_(entries), complete_(complete) {}

  config::Problems run() {
    const config::Multicast& multicast = listener_.multicast;
    if (multicast.interface.size() >= IF_NAMESIZE) {
      error(multicast.interface_place, "multicast.interface",
            shown(multicast.interface) + ": interface names have at most " +
                std::to_string(IF_NAMESIZE - 1) + " characters");
    }
    for (const ListenEntry& entry : entries_) check_url(entry);
    for (const auto& group : multicast.groups) check_group(group);
    for (const auto& source : multicast.sources) check_source(source);
    check_sources_together();
    check_interface_alone();
    return std::move(problems_);
  }

 private:
  void tell(config::Place place, std::string_view key, const std::string& text, bool warning) {
    problems_.push_back(
        {.place = place,
         .text = "listener " + shown(listener_.name) + ": " + std::string(key) + ": " + text,
         .warning = warning});
  }
  void error(config::Place place, std::string_view key, const std::string& text) {
    tell(place, key, text, false);
  }
  void warn(config::Place place, std::string_view key, const std::string& text) {
    tell(place, key, text, true);
  }

  // --- groups

  void check_url(const ListenEntry& entry) {
    const auto group = group_of(entry.url);
    if (!group) {
      // A name may stand for a group: then bind(2) time tells.
      if (is_udp(entry.url.scheme) && needs_lookup(entry.url)) open_ = true;
      return;
    }
    groups_.push_back({*group, entry.url.zone, entry.url.text, entry.place});
    check_zone_of(groups_.back(), "listen");
  }

  void check_group(const config::AddressText& given) {
    const auto ip = read(given, "multicast.groups");
    if (!ip) return;
    if (!is_multicast(ip->address)) {
      return error(given.place, "multicast.groups",
                   shown(given.text) +
                       " is not a multicast address: IPv4 groups are 224.0.0.0 to "
                       "239.255.255.255, IPv6 groups begin with ff");
    }
    if (is_repeated(*ip, listed_))
      return error(given.place, "multicast.groups", shown(given.text) + " is listed twice");
    listed_.push_back(*ip);
    groups_.push_back(*ip);
    check_zone_of(*ip, "multicast.groups");
    check_receiver(*ip);
  }

  void check_zone_of(const Ip& group, std::string_view key) {
    const std::string& interface = listener_.multicast.interface;
    if (group.zone.empty() && interface.empty() && is_link_scoped_group(group.address)) {
      error(group.place, key,
            shown(group.text) + ": a link-local group needs its interface, such as " +
                ip_text(group.address) + "%eth0, or multicast.interface");
    }
    if (group.zone.empty() || interface.empty() || group.zone == interface || is_number(group.zone))
      return;
    error(
        group.place, key,
        shown(group.text) + " has another interface than multicast.interface, " + shown(interface));
  }

  /// Some URL must be able to take the group's datagrams.
  void check_receiver(const Ip& group) {
    const auto takes = [&](const ListenEntry& entry) { return receives(entry.url, group); };
    if (!complete_ || std::any_of(entries_.begin(), entries_.end(), takes)) return;
    const std::string scheme = group.address.family() == AF_INET ? "udp4" : "udp6";
    const std::string text = ip_text(group.address);
    const std::string host = group.address.family() == AF_INET ? text : '[' + text + ']';
    const auto port = std::find_if(entries_.begin(), entries_.end(),
                                   [](const auto& entry) { return is_udp(entry.url.scheme); });
    const std::string number = port == entries_.end() ? "PORT" : std::to_string(port->url.port);
    error(group.place, "multicast.groups",
          "no URL of listen can receive " + shown(group.text) +
              ": expected one of all addresses, " + shown(scheme + "://:" + number) + " or " +
              shown("udp://:" + number) + ", or one of the group itself, " +
              shown(scheme + "://" + host + ':' + number));
  }

  static bool receives(const Url& url, const Ip& group) {
    if (!is_udp(url.scheme)) return false;
    if (needs_lookup(url)) return true;
    Url plain = url;
    plain.zone.clear();
    const auto addresses = resolve(plain, InetSupport{});
    if (!addresses || !can_take(addresses->front(), group.address)) return false;
    return is_wildcard(addresses->front()) || url.zone == group.zone;
  }

  // --- sources

  void check_source(const config::AddressText& given) {
    const auto ip = read(given, "multicast.sources");
    if (!ip) return;
    if (is_multicast(ip->address) || is_wildcard(ip->address)) {
      return error(given.place, "multicast.sources",
                   shown(given.text) + " cannot be a source, expected the address of a sender");
    }
    if (is_repeated(*ip, sources_))
      return error(given.place, "multicast.sources", shown(given.text) + " is listed twice");
    sources_.push_back(*ip);
  }

  bool has_group(int family) const {
    return std::any_of(groups_.begin(), groups_.end(),
                       [&](const Ip& group) { return group.address.family() == family; });
  }
  bool has_source(int family) const {
    return std::any_of(sources_.begin(), sources_.end(),
                       [&](const Ip& source) { return source.address.family() == family; });
  }
  /// Some group may not be known here.
  bool guesses() const {
    return open_ || !complete_ || listed_.size() < listener_.multicast.groups.size();
  }

  void check_sources_together() {
    if (sources_.empty() || guesses()) return;
    const config::Place place = sources_.front().place;
    if (groups_.empty()) {
      return error(place, "multicast.sources",
                   "no group to take them for: expected multicast.groups or a URL such as "
                   "\"udp4://232.1.2.3:5000\"");
    }
    for (const Ip& source : sources_) {
      const int family = source.address.family();
      if (has_group(family)) continue;
      error(source.place, "multicast.sources",
            shown(source.text) + ": no group of this listener is " +
                std::string(family_name(family)));
    }
    for (const int family : {AF_INET, AF_INET6}) {
      if (!has_group(family) || has_source(family)) continue;
      std::string text = "none is ";
      text += family_name(family);
      text += ": groups of that family take the datagrams of any sender";
      warn(place, "multicast.sources", text);
    }
  }

  void check_interface_alone() {
    if (listener_.multicast.interface.empty() || !groups_.empty() || guesses()) return;
    warn(listener_.multicast.interface_place, "multicast.interface",
         "no effect: this listener joins no group");
  }

  // --- literals

  std::optional<Ip> read(const config::AddressText& given, std::string_view key) {
    Ip ip{.address = {}, .zone = {}, .text = given.text, .place = given.place};
    std::string plain = given.text;
    if (const std::size_t percent = plain.rfind('%'); percent != std::string::npos) {
      ip.zone = plain.substr(percent + 1);
      plain.resize(percent);
      if (ip.zone.empty() || plain.find(':') == std::string::npos) {
        error(given.place, key,
              shown(given.text) +
                  ": expected an interface behind an IPv6 address, such as "
                  "\"ff02::1234%eth0\"");
        return {};
      }
    }
    const auto address = parse_ip(plain);
    if (!address) {
      error(given.place, key,
            shown(given.text) + " is not an IP address, expected one such as " +
                (key == "multicast.groups" ? "\"239.1.2.3\" or \"ff15::1234\""
                                           : "\"10.0.0.7\" or \"fd00::7\""));
      return {};
    }
    if (!ip.zone.empty() && address->family() == AF_INET) {
      error(given.place, key, shown(given.text) + ": only IPv6 addresses have zones");
      return {};
    }
    ip.address = *address;
    return ip;
  }

  static bool is_repeated(const Ip& ip, const std::vector<Ip>& others) {
    return std::any_of(others.begin(), others.end(), [&](const Ip& other) {
      return ip.zone == other.zone && same_address(ip.address, other.address);
    });
  }

  const config::Listener& listener_;
  const std::vector<ListenEntry>& entries_;
  const bool complete_;
  bool open_ = false;       // a URL's host name may stand for a group
  std::vector<Ip> groups_;  // of URLs and of the table
  std::vector<Ip> listed_;  // of the table
  std::vector<Ip> sources_;
  config::Problems problems_;
};

}  // namespace

std::optional<SocketAddress> group_of(const Url& url) {
  if (!is_udp(url.scheme) || url.host.empty() || needs_lookup(url)) return {};
  const auto address = parse_ip(url.host);
  if (!address || !is_multicast(*address)) return {};
  return *address;
}

config::Problems check_multicast(const config::Listener& listener,
                                 const std::vector<ListenEntry>& entries, bool complete) {
  return Checker(listener, entries, complete).run();
}

}  // namespace penstock
