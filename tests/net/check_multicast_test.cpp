#include "server/net/check_multicast.h"

#include <catch2/catch.hpp>

#include "server/net/check_listen.h"

using namespace penstock;

namespace {

struct Given {
  std::vector<std::string> listen;
  std::vector<std::string> groups = {};
  std::string interface = {};
  std::vector<std::string> sources = {};
};

config::Listener listener_of(const Given& given) {
  config::Listener listener;
  listener.name = "a";
  for (const std::string& url : given.listen) listener.listen.push_back({url, {1, 1}});
  for (const std::string& group : given.groups)
    listener.multicast.groups.push_back({group, {2, 2}});
  listener.multicast.interface = given.interface;
  listener.multicast.interface_place = {3, 3};
  for (const std::string& source : given.sources)
    listener.multicast.sources.push_back({source, {4, 4}});
  return listener;
}

std::string problems_of(const std::vector<Given>& listeners) {
  config::Config config;
  for (const Given& given : listeners) config.listeners.push_back(listener_of(given));
  std::string all;
  for (const config::Problem& problem : check_listen(config)) {
    const std::string head = "listener \"a\": ";
    CHECK(problem.text.starts_with(head));
    all += (all.empty() ? "" : "\n") + std::to_string(problem.place.line) +
           (problem.warning ? " warning: " : ": ") + problem.text.substr(head.size());
  }
  return all;
}

}  // namespace

TEST_CASE("groups that can be joined", "[multicast]") {
  const auto given = GENERATE(
      as<Given>{}, Given{{"udp4://239.1.1.1:5000"}},
      Given{{"udp://239.1.1.1:5000", "udp6://[ff15::1]:5000"}},
      Given{{"udp6://[ff02::1%eth0]:5000"}}, Given{{"udp6://[ff02::1]:5000"}, {}, "eth0"},
      Given{{"udp6://[ff02::1%eth0]:5000"}, {}, "eth0"},
      Given{{"udp6://[ff02::1%2]:5000"}, {}, "eth0"},
      Given{{"udp4://:5000"}, {"239.1.1.1", "239.1.1.2"}},
      Given{{"udp://:5000"}, {"239.1.1.1", "ff15::1", "ff02::1%eth0"}},
      Given{{"tcp://:5000", "udp6://:5000"}, {"ff15::1"}},
      Given{{"udp4://[::]:5000"}, {"239.1.1.1"}}, Given{{"udp4://239.1.1.1:5000"}, {"239.1.1.1"}},
      Given{{"udp4://239.1.1.1:5000"}, {"::ffff:239.1.1.1"}},
      Given{{"udp://some.name:5000"}, {"239.1.1.1"}, "eth0", {"10.0.0.1"}},
      Given{{"udp4://232.1.1.1:5000"}, {}, "", {"10.0.0.1", "10.0.0.2"}});
  CAPTURE(given.listen, given.groups);
  CHECK(problems_of({given}).empty());
}

TEST_CASE("groups that cannot", "[multicast]") {
  const auto [given, text] = GENERATE(table<Given, std::string>({
      {{{"tcp://239.1.1.1:5000"}},
       "1: listen: \"tcp://239.1.1.1:5000\": 239.1.1.1 is a multicast address, which only udp can "
       "receive"},
      {{{"tcp6://[ff15::1]:5000"}},
       "1: listen: \"tcp6://[ff15::1]:5000\": ff15::1 is a multicast address, which only udp can "
       "receive"},
      {{{"udp6://[ff02::1]:5000"}},
       "1: listen: \"udp6://[ff02::1]:5000\": a link-local group needs its interface, such as "
       "ff02::1%eth0, or multicast.interface"},
      {{{"udp6://[ff02::1%eth1]:5000"}, {}, "eth0"},
       "1: listen: \"udp6://[ff02::1%eth1]:5000\" has another interface than multicast.interface, "
       "\"eth0\""},
      {{{"udp://:5000"}, {"10.0.0.1"}},
       "2: multicast.groups: \"10.0.0.1\" is not a multicast address: IPv4 groups are 224.0.0.0 to "
       "239.255.255.255, IPv6 groups begin with ff"},
      {{{"udp://:5000"}, {"sap.mcast.net"}},
       "2: multicast.groups: \"sap.mcast.net\" is not an IP address, expected one such as "
       "\"239.1.2.3\" or \"ff15::1234\""},
      {{{"udp://:5000"}, {"239.1.1"}},
       "2: multicast.groups: \"239.1.1\" is not an IP address, expected one such as \"239.1.2.3\" "
       "or \"ff15::1234\""},
      {{{"udp://:5000"}, {"239.1.1.1%eth0"}},
       "2: multicast.groups: \"239.1.1.1%eth0\": expected an interface behind an IPv6 address, "
       "such as \"ff02::1234%eth0\""},
      {{{"udp://:5000"}, {"239.1.1.1", "::ffff:239.1.1.1"}},
       "2: multicast.groups: \"::ffff:239.1.1.1\" is listed twice"},
      {{{"udp6://:5000"}, {"239.1.1.1"}},
       "2: multicast.groups: no URL of listen can receive \"239.1.1.1\": expected one of all "
       "addresses, \"udp4://:5000\" or \"udp://:5000\", or one of the group itself, "
       "\"udp4://239.1.1.1:5000\""},
      {{{"udp4://:5000"}, {"ff15::1"}},
       "2: multicast.groups: no URL of listen can receive \"ff15::1\": expected one of all "
       "addresses, \"udp6://:5000\" or \"udp://:5000\", or one of the group itself, "
       "\"udp6://[ff15::1]:5000\""},
      {{{"udp4://10.0.0.1:5000"}, {"239.1.1.1"}},
       "2: multicast.groups: no URL of listen can receive \"239.1.1.1\": expected one of all "
       "addresses, \"udp4://:5000\" or \"udp://:5000\", or one of the group itself, "
       "\"udp4://239.1.1.1:5000\""},
      {{{"tcp://:5000", "unixgram://@a"}, {"239.1.1.1"}},
       "2: multicast.groups: no URL of listen can receive \"239.1.1.1\": expected one of all "
       "addresses, \"udp4://:PORT\" or \"udp://:PORT\", or one of the group itself, "
       "\"udp4://239.1.1.1:PORT\""},
      {{{"tcp://:5000"}, {}, "eth0"},
       "3 warning: multicast.interface: no effect: this listener joins no group"},
      {{{"udp4://239.1.1.1:5000"}, {}, "an-interface-of-16"},
       "3: multicast.interface: \"an-interface-of-16\": interface names have at most 15 "
       "characters"},
  }));
  CAPTURE(given.listen, given.groups);
  CHECK(problems_of({given}) == text);
}

TEST_CASE("sources", "[multicast]") {
  const auto [given, text] = GENERATE(table<Given, std::string>({
      {{{"udp://:5000"}, {}, "", {"10.0.0.1"}},
       "4: multicast.sources: no group to take them for: expected multicast.groups or a URL such "
       "as \"udp4://232.1.2.3:5000\""},
      {{{"udp4://232.1.1.1:5000"}, {}, "", {"fd00::1"}},
       "4: multicast.sources: \"fd00::1\": no group of this listener is IPv6\n"
       "4 warning: multicast.sources: none is IPv4: groups of that family take the datagrams of "
       "any sender"},
      {{{"udp4://232.1.1.1:5000"}, {}, "", {"239.1.1.1"}},
       "4: multicast.sources: \"239.1.1.1\" cannot be a source, expected the address of a sender"},
      {{{"udp4://232.1.1.1:5000"}, {}, "", {"0.0.0.0"}},
       "4: multicast.sources: \"0.0.0.0\" cannot be a source, expected the address of a sender"},
      {{{"udp4://232.1.1.1:5000"}, {}, "", {"host.example"}},
       "4: multicast.sources: \"host.example\" is not an IP address, expected one such as "
       "\"10.0.0.7\" or \"fd00::7\""},
      {{{"udp://:5000"}, {"232.1.1.1", "ff35::1"}, "", {"10.0.0.1"}},
       "4 warning: multicast.sources: none is IPv6: groups of that family take the datagrams of "
       "any sender"},
  }));
  CAPTURE(given.listen, given.groups, given.sources);
  CHECK(problems_of({given}) == text);
}

TEST_CASE("groups on one port: apart by address and interface, together with a wildcard not",
          "[multicast]") {
  CHECK(problems_of({{{"udp4://239.1.1.1:5000", "udp4://239.1.1.2:5000"}},
                     {{"udp4://239.1.1.3:5000", "udp6://[ff15::1]:5000"}}})
            .empty());
  CHECK(
      problems_of({{{"udp4://239.1.1.1:5000"}, {}, "eth0"}, {{"udp://239.1.1.1:5000"}, {}, "eth1"}})
          .empty());
  CHECK(problems_of({{{"udp6://[ff15::1%eth0]:5000"}}, {{"udp6://[ff15::1%eth1]:5000"}}}).empty());
  CHECK(problems_of({{{"udp4://239.1.1.1:5000"}, {}, "eth0"}, {{"udp://239.1.1.1:5000"}}}) ==
        "1: listen: \"udp://239.1.1.1:5000\" is the same address as \"udp4://239.1.1.1:5000\" of "
        "listener \"a\" (line 1)");
  CHECK(problems_of({{{"udp4://:5000", "udp4://239.1.1.1:5000"}}}) ==
        "1: listen: \"udp4://239.1.1.1:5000\" cannot be bound beside \"udp4://:5000\" (line 1): "
        "udp4://:5000 already takes every address of its family on this port; list the group in "
        "multicast.groups instead");
  CHECK(problems_of({{{"udp6://[ff15::1]:5000", "udp://:5000"}}})
            .ends_with(" with the addresses you want; list the group in multicast.groups instead"));
}
