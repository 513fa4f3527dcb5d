#include "server/net/url.h"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>
#include <utility>

using namespace penstock;

namespace {

constexpr InetSupport kFull{};

/// `canonical,canonical` with `+v6only` where it is set, or the error's text.
std::string resolved(const std::string& text, const InetSupport& support = kFull) {
  const auto url = parse_url(text);
  if (!url) return "parse: " + url.error().message;
  const auto addresses = resolve(*url, support);
  if (!addresses) return addresses.error().message;
  std::string all;
  for (const SocketAddress& address : *addresses) {
    if (!all.empty()) all += ',';
    all += canonical_url(url->scheme, address);
    if (address.v6_only) all += "+v6only";
  }
  return all;
}

std::string parse_error(const std::string& text) {
  const auto url = parse_url(text);
  return url ? "accepted" : url.error().message;
}

}  // namespace

TEST_CASE("scheme traits hold for all nine schemes", "[url]") {
  for (const Scheme s : {Scheme::kTcp, Scheme::kTcp4, Scheme::kTcp6}) {
    CHECK((is_tcp(s) && is_stream(s) && !is_udp(s) && !is_unix(s) && !is_datagram(s)));
    CHECK(socket_type(s) == SOCK_STREAM);
  }
  for (const Scheme s : {Scheme::kUdp, Scheme::kUdp4, Scheme::kUdp6}) {
    CHECK((is_udp(s) && is_datagram(s) && !is_stream(s) && !is_unix(s)));
    CHECK(socket_type(s) == SOCK_DGRAM);
  }
  CHECK((is_unix(Scheme::kUnix) && is_stream(Scheme::kUnix)));
  CHECK((is_unix(Scheme::kUnixgram) && is_datagram(Scheme::kUnixgram)));
  CHECK((is_unix(Scheme::kUnixpacket) && !is_stream(Scheme::kUnixpacket) &&
         !is_datagram(Scheme::kUnixpacket)));
  CHECK(socket_type(Scheme::kUnix) == SOCK_STREAM);
  CHECK(socket_type(Scheme::kUnixgram) == SOCK_DGRAM);
  CHECK(socket_type(Scheme::kUnixpacket) == SOCK_SEQPACKET);
}

TEST_CASE("every scheme is told by its own name", "[url]") {
  const auto name =
      GENERATE("tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix", "unixgram", "unixpacket");
  CAPTURE(name);
  const bool unix_scheme = std::string(name).rfind("unix", 0) == 0;
  const auto url = parse_url(std::string(name) + (unix_scheme ? ":///run/x.sock" : "://:514"));
  REQUIRE(url);
  CHECK(to_string(url->scheme) == name);
  CHECK(url->text == std::string(name) + (unix_scheme ? ":///run/x.sock" : "://:514"));
}

TEST_CASE("what is not a listen URL is refused with what would be right", "[url]") {
  const auto [text, message] = GENERATE(table<std::string, std::string>({
      {"", R"("": missing "://", expected SCHEME://ADDRESS such as "tcp://:5514")"},
      {"127.0.0.1:514",
       R"("127.0.0.1:514": missing "://", expected SCHEME://ADDRESS such as "tcp://127.0.0.1:514")"},
      {"tcp:127.0.0.1:514",
       R"("tcp:127.0.0.1:514": missing "://", expected SCHEME://ADDRESS such as "tcp://127.0.0.1:514")"},
      {"unix:/run/x",
       R"("unix:/run/x": missing "://", expected SCHEME://ADDRESS such as "unix:///run/x")"},
      {"/run/x", R"("/run/x": missing "://", expected SCHEME://ADDRESS such as "unix:///run/x")"},
      {"TCP://:80", R"("TCP://:80": unknown scheme "TCP", did you mean "tcp"?)"},
      {"UnixGram:///x", R"("UnixGram:///x": unknown scheme "UnixGram", did you mean "unixgram"?)"},
      {" tcp://:80", R"(" tcp://:80": unknown scheme " tcp", did you mean "tcp"?)"},
      {"http://:80",
       R"("http://:80": unknown scheme "http", expected one of tcp, tcp4, tcp6, udp, udp4, udp6, unix, unixgram, unixpacket)"},
      {"://:80",
       R"("://:80": unknown scheme "", expected one of tcp, tcp4, tcp6, udp, udp4, udp6, unix, unixgram, unixpacket)"},
      {"tcp://127.0.0.1",
       R"("tcp://127.0.0.1": missing port in address, expected HOST:PORT such as "tcp://127.0.0.1:5514")"},
      {"udp://8094",
       R"("udp://8094": missing port in address, expected HOST:PORT such as "udp://:8094")"},
      {"tcp://[::1]",
       R"("tcp://[::1]": missing port in address, expected HOST:PORT such as "tcp://[::1]:5514")"},
      {"tcp://[::1]8094", R"("tcp://[::1]8094": missing port in address, expected ':' behind ']')"},
      {"tcp://::1:8094",
       R"("tcp://::1:8094": too many colons in address, IPv6 addresses stand in brackets: "tcp://[::1]:8094")"},
      {"tcp://fe80::1",
       R"("tcp://fe80::1": too many colons in address, IPv6 addresses stand in brackets: "tcp://[fe80::1]:5514")"},
      {"tcp://a:b:1",
       R"("tcp://a:b:1": too many colons in address, IPv6 addresses stand in brackets)"},
      {"tcp://[::1]:1:2", R"("tcp://[::1]:1:2": too many colons in address)"},
      {"tcp://tcp://:80",
       R"("tcp://tcp://:80": too many colons in address, IPv6 addresses stand in brackets)"},
      {"tcp://[::1:80", R"("tcp://[::1:80": missing ']' in address)"},
      {"tcp://[[::1]:80", R"("tcp://[[::1]:80": unexpected '[' in address)"},
      {"tcp://a[b:80", R"("tcp://a[b:80": unexpected '[' in address)"},
      {"tcp://a]b:80", R"("tcp://a]b:80": unexpected ']' in address)"},
      {"tcp://[::zz]:80", R"("tcp://[::zz]:80": "::zz" is not an IPv6 address)"},
      {"tcp://[fe80::1%]:80",
       R"("tcp://[fe80::1%]:80": empty zone in address, expected an interface such as [fe80::1%eth0])"},
      {"tcp://:-1", R"("tcp://:-1": invalid port "-1", expected 0 to 65535)"},
      {"tcp://:65536", R"("tcp://:65536": invalid port "65536", expected 0 to 65535)"},
      {"udp://:99999999999999999999",
       R"("udp://:99999999999999999999": invalid port "99999999999999999999", expected 0 to 65535)"},
      {"tcp://:nosuchsvc",
       R"("tcp://:nosuchsvc": unknown port "tcp/nosuchsvc", expected 0 to 65535 or a service name of /etc/services)"},
      {"tcp://:ntp",
       R"("tcp://:ntp": unknown port "tcp/ntp", expected 0 to 65535 or a service name of /etc/services)"},
      {"udp6://:http",
       R"("udp6://:http": unknown port "udp/http", expected 0 to 65535 or a service name of /etc/services)"},
      {"tcp://:80/",
       R"("tcp://:80/": unknown port "tcp/80/", expected 0 to 65535 or a service name of /etc/services)"},
      {"tcp://:0x50",
       R"("tcp://:0x50": unknown port "tcp/0x50", expected 0 to 65535 or a service name of /etc/services)"},
      {"tcp://: 80",
       R"("tcp://: 80": unknown port "tcp/ 80", expected 0 to 65535 or a service name of /etc/services)"},
      {"unix://", R"("unix://": empty path, expected "unix:///run/NAME.sock")"},
      {"unix://tmp/x",
       R"("unix://tmp/x": path must begin with "/", "./" or "@", did you mean "unix:///tmp/x" or "unix://./tmp/x"?)"},
      {"unixgram://x.sock",
       R"("unixgram://x.sock": path must begin with "/", "./" or "@", did you mean "unixgram:///x.sock" or "unixgram://./x.sock"?)"},
      {"unix://~/x",
       R"("unix://~/x": path must begin with "/", "./" or "@", did you mean "unix:///~/x" or "unix://./~/x"?)"},
      {"unixpacket://@", R"("unixpacket://@": empty abstract name, expected "unixpacket://@NAME")"},
      {"unix:///run/", R"("unix:///run/": path is a directory, expected a file name behind it)"},
  }));
  CHECK(parse_error(text) == message);
}

TEST_CASE("a NUL byte is refused, not a cut", "[url]") {
  CHECK(parse_error(std::string("tcp://127.0.0.1\0x:80", 20)) ==
        R"("tcp://127.0.0.1": NUL byte in address)");
  CHECK(parse_error(std::string("unix:///tmp/a\0b", 15)) ==
        R"("unix:///tmp/a": NUL byte in address)");
}

TEST_CASE("ports are read as Go reads them", "[url]") {
  const auto [port, expected] = GENERATE(table<std::string, unsigned>({
      {"80", 80},
      {"080", 80},
      {"+80", 80},
      {"+080", 80},
      {"", 0},
      {"0", 0},
      {"-0", 0},
      {"+", 0},
      {"65535", 65535},
      {"00000000000000000000514", 514},
      {"http", 80},
      {"HTTP", 80},
      {"HtTp", 80},
      {"https", 443},
      {"domain", 53},
      {"www", 80},
      {"ssh", 22},
  }));
  CAPTURE(port);
  const auto url = parse_url("tcp://127.0.0.1:" + port);
  REQUIRE(url);
  CHECK(url->port == expected);
}

TEST_CASE("service names are looked up for the protocol of the scheme", "[url]") {
  CHECK(parse_url("udp://:ntp")->port == 123);
  CHECK(parse_url("udp4://:NTP")->port == 123);
  CHECK(parse_url("udp://:syslog")->port == 514);
  CHECK(parse_url("tcp://:syslog")->port == 514);
  CHECK(parse_url("tcp6://:http")->port == 80);
}

TEST_CASE("the host is what stands before the last colon", "[url]") {
  const auto [text, host, zone, port] =
      GENERATE(table<std::string, std::string, std::string, unsigned>({
          {"tcp://", "", "", 0},
          {"udp6://", "", "", 0},
          {"tcp://:0", "", "", 0},
          {"tcp://127.0.0.1:", "127.0.0.1", "", 0},
          {"tcp://[]:80", "", "", 80},
          {"tcp://[::]:80", "::", "", 80},
          {"tcp://[127.0.0.1]:80", "127.0.0.1", "", 80},
          {"udp://[fe80::1%eth0]:514", "fe80::1", "eth0", 514},
          {"tcp://db.example:514", "db.example", "", 514},
          {"tcp://user@host:80", "user@host", "", 80},
      }));
  CAPTURE(text);
  const auto url = parse_url(text);
  REQUIRE(url);
  CHECK(url->host == host);
  CHECK(url->zone == zone);
  CHECK(url->port == port);
}

TEST_CASE("what follows :// is the path as it stands", "[url]") {
  const auto path = GENERATE("/abs/x.sock", "./x.sock", "./../x.sock", "//twice", "/with space",
                             "/a%2Fb?c#d", "/see://x", "@abstract", "@/like/a/path", "/ünïcode");
  const auto url = parse_url("unixgram://" + std::string(path));
  REQUIRE(url);
  CHECK(url->path == path);
  CHECK(resolved("unixgram://" + std::string(path)) == "unixgram://" + std::string(path));
}

TEST_CASE("paths of 107 bytes fit, of 108 do not; abstract names likewise beside the @", "[url]") {
  const std::string fits = '/' + std::string(106, 'p');
  CHECK(resolved("unix://" + fits) == "unix://" + fits);
  CHECK(parse_error("unix://" + fits + 'p') ==
        "\"unix://" + fits + "p\": path of 108 bytes, at most 107 fit into a socket address");
  const std::string name = '@' + std::string(107, 'n');
  CHECK(resolved("unix://" + name) == "unix://" + name);
  CHECK(parse_error("unix://" + name + 'n') ==
        "\"unix://" + name +
            "n\": abstract name of 108 bytes, at most 107 fit into a socket address");
}

TEST_CASE("the table of families holds row for row", "[url][resolve]") {
  const auto kind = GENERATE(std::string("tcp"), std::string("udp"));
  const auto [rest, both, four, six] =
      GENERATE(table<std::string, std::string, std::string, std::string>({
          {":5514", "[::]:5514", "0.0.0.0:5514", "[::]:5514+v6only"},
          {"", "[::]:0", "0.0.0.0:0", "[::]:0+v6only"},
          {"0.0.0.0:5514", "[::]:5514", "0.0.0.0:5514", "unsuitable"},
          {"[::]:5514", "[::]:5514", "0.0.0.0:5514", "[::]:5514+v6only"},
          {"[::ffff:0.0.0.0]:5514", "[::]:5514", "0.0.0.0:5514", "unsuitable"},
          {"127.0.0.1:5514", "127.0.0.1:5514", "127.0.0.1:5514", "unsuitable"},
          {"[::1]:5514", "[::1]:5514+v6only", "unsuitable", "[::1]:5514+v6only"},
          {"[::ffff:127.0.0.1]:5514", "127.0.0.1:5514", "127.0.0.1:5514", "unsuitable"},
          {"[fe80::1%lo]:514", "[fe80::1%lo]:514+v6only", "unsuitable", "[fe80::1%lo]:514+v6only"},
          {"[fe80::1%1]:514", "[fe80::1%lo]:514+v6only", "unsuitable", "[fe80::1%lo]:514+v6only"},
      }));
  const auto check = [&, rest = rest](const std::string& scheme, const std::string& expected) {
    const std::string url = scheme + "://" + rest;
    CAPTURE(url);
    if (expected == "unsuitable") {
      CHECK(resolved(url).find("no suitable address found") != std::string::npos);
    } else {
      CHECK(resolved(url) == scheme + "://" + expected);
    }
  };
  check(kind, both);
  check(kind + '4', four);
  check(kind + '6', six);
}

TEST_CASE("an address of the wrong family says which scheme would do", "[url][resolve]") {
  CHECK(
      resolved("tcp4://[::1]:80") ==
      R"("tcp4://[::1]:80": no suitable address found: tcp4 takes IPv4 only, use tcp or tcp6 for ::1)");
  CHECK(
      resolved("udp6://127.0.0.1:80") ==
      R"("udp6://127.0.0.1:80": no suitable address found: udp6 takes IPv6 only, use udp or udp4 for 127.0.0.1)");
}

TEST_CASE("zones need an interface and an IPv6 address", "[url][resolve]") {
  CHECK(resolved("udp://[fe80::1%nosuch0]:514") ==
        R"("udp://[fe80::1%nosuch0]:514": no network interface "nosuch0")");
  CHECK(resolved("udp://[fe80::1%0]:514") ==
        R"("udp://[fe80::1%0]:514": no network interface "0")");
  CHECK(
      resolved("udp://[::ffff:127.0.0.1%lo]:514") ==
      R"("udp://[::ffff:127.0.0.1%lo]:514": only IPv6 addresses have zones, and ::ffff:127.0.0.1 stands for IPv4)");
}

TEST_CASE("only what inet_pton takes is an IP address; the rest are names that do not exist",
          "[url][resolve]") {
  const auto host = GENERATE("127.1", "0x7f.1", "010.0.0.1", " 127.0.0.1", "127.0.0.1 ", "*",
                             "2130706433", "0x7f000001", "1.2.3.4.5", "127.0.0.256", "a..b", ".",
                             "-", "user@host", "127.0.0.1%lo",
                             "b\xc3\xbc"
                             "cher.de");
  const std::string url = "tcp://" + std::string(host) + ":8094";
  CAPTURE(url);
  const std::string answer = resolved(url);
  CHECK(answer.rfind('"' + url + "\": no such host \"" + host + '"', 0) == 0);
  CHECK(needs_lookup(*parse_url(url)));
}

TEST_CASE("a name that nobody knows is an error that says so", "[url][resolve]") {
  const std::string answer = resolved("udp://no-such-host.invalid:514");
  CHECK(answer.rfind(R"("udp://no-such-host.invalid:514": no such host "no-such-host.invalid": )",
                     0) == 0);
}

TEST_CASE("a host name binds its addresses of the scheme's family, each once", "[url][resolve]") {
  CHECK(resolved("tcp4://localhost:514") == "tcp4://127.0.0.1:514");
  const std::string all = resolved("tcp://localhost:514");
  CHECK(all.find("tcp://127.0.0.1:514") != std::string::npos);
  CHECK(all.find("tcp://127.0.0.1:514", all.find("tcp://127.0.0.1:514") + 1) == std::string::npos);
  CHECK(resolved("tcp://LOCALHOST:514") == all);
}

TEST_CASE("without IPv6 sockets the wildcard of both families is IPv4's", "[url][resolve]") {
  constexpr InetSupport kNoIpv6{.ipv6_sockets = false, .ipv6_addresses = false};
  CHECK(resolved("tcp://:514", kNoIpv6) == "tcp://0.0.0.0:514");
  CHECK(resolved("udp://0.0.0.0:514", kNoIpv6) == "udp://0.0.0.0:514");
  CHECK(resolved("tcp6://:514", kNoIpv6) == "tcp6://[::]:514+v6only");
  CHECK(resolved("tcp://localhost:514", kNoIpv6) == "tcp://127.0.0.1:514");
}

TEST_CASE("needs_lookup is true for names alone", "[url][resolve]") {
  CHECK_FALSE(needs_lookup(*parse_url("tcp://:80")));
  CHECK_FALSE(needs_lookup(*parse_url("tcp://127.0.0.1:80")));
  CHECK_FALSE(needs_lookup(*parse_url("tcp://[fe80::1%eth0]:80")));
  CHECK_FALSE(needs_lookup(*parse_url("unix:///run/x")));
  CHECK(needs_lookup(*parse_url("tcp://localhost:80")));
}
