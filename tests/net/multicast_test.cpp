#include "server/net/multicast.h"

#include <netinet/in.h>

#include <fstream>
#include <sstream>

#include "tests/net/address_support.h"
#include "tests/net/findings.h"
#include "tests/net/namespace_child.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const MulticastOptions kOnLoopback{.groups = {}, .interface = "lo", .sources = {}};

BindOptions options_of(const MulticastOptions& multicast) {
  BindOptions options;
  options.multicast = multicast;
  return options;
}

/// What `url` has joined, or the error.
std::string joined(const std::string& url, const MulticastOptions& multicast) {
  const auto sockets = open_url(url, options_of(multicast));
  if (!sockets) return sockets.error().message;
  std::string all;
  for (const JoinedGroup& group : sockets->front().groups)
    all += (all.empty() ? "" : "; ") + group.text;
  return all;
}

bool is_member(const std::string& hex_group) {
  std::ifstream file("/proc/self/net/igmp");
  std::stringstream text;
  text << file.rdbuf();
  return text.str().find('\t' + hex_group + ' ') != std::string::npos;
}

/// Sends one datagram to the group by loopback.
bool send_to(const std::string& group, std::uint16_t port, const std::string& text,
             const char* source) {
  const UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const ip_mreqn way{.imr_multiaddr = {}, .imr_address = {}, .imr_ifindex = 1};
  ::setsockopt(fd.get(), IPPROTO_IP, IP_MULTICAST_IF, &way, sizeof way);
  const auto from = resolve(*parse_url(std::string("udp4://") + source + ":0"));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&from->front().storage),
             from->front().length) != 0)
    return false;
  const auto to = resolve(*parse_url("udp4://" + group + ':' + std::to_string(port)));
  return ::sendto(fd.get(), text.data(), text.size(), 0,
                  reinterpret_cast<const sockaddr*>(&to->front().storage),
                  to->front().length) == static_cast<ssize_t>(text.size());
}

/// All that is queued, joined by blanks.
std::string received(const BoundSocket& socket) {
  std::string all;
  char buffer[64];
  for (;;) {
    const ssize_t n = ::recv(socket.fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n < 0) return all;
    all += (all.empty() ? "" : " ") + std::string(buffer, static_cast<std::size_t>(n));
  }
}

}  // namespace

TEST_CASE("what is a group", "[multicast]") {
  const auto [text, group, link] = GENERATE(table<std::string, bool, bool>({
      {"224.0.0.0", true, false},
      {"239.255.255.255", true, false},
      {"223.255.255.255", false, false},
      {"240.0.0.0", false, false},
      {"255.255.255.255", false, false},
      {"::ffff:239.1.1.1", true, false},
      {"ff01::1", true, true},
      {"ff02::1", true, true},
      {"ff12::1", true, true},
      {"ff05::1", true, false},
      {"ff3e::1", true, false},
      {"fe80::1", false, false},
      {"::", false, false},
  }));
  CAPTURE(text);
  const auto address = parse_ip(text);
  REQUIRE(address);
  CHECK(is_multicast(*address) == group);
  CHECK(is_link_scoped_group(*address) == link);
}

TEST_CASE("IP literals alone", "[multicast]") {
  CHECK(ip_text(*parse_ip("239.1.2.3")) == "239.1.2.3");
  CHECK(ip_text(*parse_ip("FF15:0::1")) == "ff15::1");
  CHECK(ip_text(*parse_ip("ff02::1%lo")) == "ff02::1%lo");
  for (const char* text : {"", "localhost", "239.1.1", "[ff02::1]", "239.1.1.1:5", "ff02::1%",
                           "ff02::1%no-such-if", "239.1.1.1%lo"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_ip(text));
  }
}

TEST_CASE("a wildcard joins the groups of its families, a group's socket its own, others none",
          "[multicast]") {
  const MulticastOptions options{
      .groups = {"239.1.1.1", "ff15::1"}, .interface = "lo", .sources = {"10.0.0.1", "fd00::1"}};
  const std::string outcome = in_own_namespace(Privilege::kKeep, [&]() -> std::string {
    Findings found;
    const std::string four = "239.1.1.1 on lo from 10.0.0.1", six = "ff15::1 on lo from fd00::1";
    found.check("udp", joined("udp://:0", options) == four + "; " + six);
    found.check("udp4", joined("udp4://:0", options) == four);
    found.check("udp6", joined("udp6://:0", options) == six);
    found.check("a group", joined("udp://239.1.1.2:0", options) == "239.1.1.2 on lo from 10.0.0.1");
    found.check("unicast", joined("udp4://127.0.0.1:0", options).empty());
    found.check("tcp", joined("tcp://:0", options).empty());
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome.empty());
}

TEST_CASE("only sockets bound to a group share their port, and none takes others' groups",
          "[multicast]") {
  const std::string outcome = in_own_namespace(Privilege::kKeep, []() -> std::string {
    Findings found;
    const auto one = open_url("udp4://239.1.1.1:5000", options_of(kOnLoopback));
    const auto two = open_url("udp4://239.1.1.1:5000", options_of(kOnLoopback));
    const auto three = open_url("udp4://239.1.1.3:5000", options_of(kOnLoopback));
    const auto all = open_url("udp://:5001");
    if (!one || !two || !three || !all) return "not bound";
    found.equal("REUSEADDR of a group", int_option(one->front().fd.get(), SOL_SOCKET, SO_REUSEADDR),
                1);
    found.equal("REUSEADDR of all", int_option(all->front().fd.get(), SOL_SOCKET, SO_REUSEADDR), 0);
    found.equal("MULTICAST_ALL", int_option(all->front().fd.get(), IPPROTO_IP, IP_MULTICAST_ALL),
                0);
    found.equal("v6 ALL", int_option(all->front().fd.get(), IPPROTO_IPV6, IPV6_MULTICAST_ALL), 0);
    found.check("url", one->front().url == "udp4://239.1.1.1:5000");
    found.check("member", is_member("010101EF"));
    found.check("sent", send_to("239.1.1.1", 5000, "a", "127.0.0.1") &&
                            send_to("239.1.1.1", 5001, "b", "127.0.0.1") &&
                            send_to("239.1.1.3", 5000, "c", "127.0.0.1"));
    found.check("one", received(one->front()) == "a");
    found.check("two", received(two->front()) == "a");
    found.check("three", received(three->front()) == "c");
    found.check("all", received(all->front()).empty());
    const std::string taken = bind_message("udp4://:5000", options_of(kOnLoopback));
    found.check("a wildcard beside them", taken.find("address already in use") != taken.npos);
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome.empty());
}

TEST_CASE("sources are heard, others are not; the membership ends with the socket", "[multicast]") {
  const std::string outcome = in_own_namespace(Privilege::kDropAll, []() -> std::string {
    Findings found;
    MulticastOptions options = kOnLoopback;
    options.sources = {"127.0.0.2", "127.0.0.3"};
    auto sockets = open_url("udp4://232.1.1.1:5000", options_of(options));
    if (!sockets) return sockets.error().message;
    found.check("sent", send_to("232.1.1.1", 5000, "one", "127.0.0.1") &&
                            send_to("232.1.1.1", 5000, "two", "127.0.0.2") &&
                            send_to("232.1.1.1", 5000, "three", "127.0.0.3"));
    found.check("received", received(sockets->front()) == "two three");
    found.check("member", is_member("010101E8"));
    sockets->clear();
    found.check("member no more", !is_member("010101E8"));
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome.empty());
}

TEST_CASE("an inherited socket may have joined already, and takes the sources of now",
          "[multicast]") {
  const std::string outcome = in_own_namespace(Privilege::kKeep, []() -> std::string {
    Findings found;
    const auto sockets = open_url("udp4://:5000");
    if (!sockets) return sockets.error().message;
    const int fd = sockets->front().fd.get();
    const auto group = parse_ip("232.1.1.1");
    const auto any = membership_of(*group, kOnLoopback);
    MulticastOptions options = kOnLoopback;
    options.sources = {"127.0.0.2"};
    const auto one = membership_of(*group, options);
    found.check("first", join(fd, *any, true).has_value());
    found.check("a new socket cannot have", !join(fd, *any, false).has_value());
    found.check("the same again", join(fd, *any, true).has_value());
    found.check("with a source", join(fd, *one, true).has_value());
    found.check("sent", send_to("232.1.1.1", 5000, "one", "127.0.0.1") &&
                            send_to("232.1.1.1", 5000, "two", "127.0.0.2"));
    found.check("only that one", received(sockets->front()) == "two");
    found.check("without again", join(fd, *any, true).has_value());
    found.check("sent", send_to("232.1.1.1", 5000, "one", "127.0.0.1"));
    found.check("any", received(sockets->front()) == "one");
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome.empty());
}

TEST_CASE("what cannot be joined says why", "[multicast]") {
  const std::string outcome = in_own_namespace(Privilege::kKeep, []() -> std::string {
    Findings found;
    const std::string url = "udp4://239.1.1.1:5000";
    found.check("no route",
                joined(url, {}) == "bind " + url +
                                       ": join 239.1.1.1 on the interface of its route: no such "
                                       "device (no route to it: name the interface in "
                                       "multicast.interface, or add a route to 224.0.0.0/4)");
    found.check("no interface",
                joined(url, {.groups = {}, .interface = "no-such-if", .sources = {}}) ==
                    "bind " + url + ": no network interface \"no-such-if\"");
    found.check("another zone",
                joined("udp6://[ff02::1%77]:5000", kOnLoopback) ==
                    "bind udp6://[ff02::1%77]:5000: multicast.interface is \"lo\", but the zone of "
                    "ff02::1%77 says \"77\"");
    found.check("a stream", joined("tcp4://239.1.1.1:5000", kOnLoopback) ==
                                "bind tcp4://239.1.1.1:5000: 239.1.1.1 is a multicast address, "
                                "which only udp can receive");
    found.check(
        "no zone",
        joined("udp6://[ff02::1]:5000", {})
            .ends_with("invalid argument (link-local addresses need a zone such as %eth0)"));
    MulticastOptions many = kOnLoopback;
    for (int i = 0; i < 21; ++i) many.groups.push_back("239.1.1." + std::to_string(i));
    found.check("too many",
                joined("udp4://:5000", many)
                    .ends_with("no buffer space available (net.ipv4.igmp_max_memberships is 20)"));
    return found.text();
  });
  if (ran(outcome)) CHECK(outcome.empty());
}
