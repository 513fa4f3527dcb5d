#include <netinet/in.h>

#include <catch2/catch.hpp>

#include "server/net/socket_source.h"
#include "tests/net/address_support.h"

using namespace penstock;
using namespace penstock::test;

namespace {

/// Hands `sockets` over as a service manager does, from descriptor 3 on, with the variables for this process.
void pass(std::vector<UniqueFd> sockets) {
  std::vector<UniqueFd> high;  // out of the way of each other first
  for (UniqueFd& socket : sockets) high.emplace_back(::fcntl(socket.get(), F_DUPFD_CLOEXEC, 200));
  sockets.clear();
  for (std::size_t i = 0; i < high.size(); ++i) ::dup2(high[i].get(), 3 + static_cast<int>(i));
  ::setenv("LISTEN_PID", std::to_string(::getpid()).c_str(), 1);
  ::setenv("LISTEN_FDS", std::to_string(high.size()).c_str(), 1);
  ::setenv("LISTEN_FDNAMES", "a:b", 1);
}

UniqueFd bound_fd(const std::string& url) {
  auto sockets = open_url(url);
  if (!sockets) std::abort();
  UniqueFd fd = std::move(sockets->front().fd);
  ::fcntl(fd.get(), F_SETFL, 0);  // a service manager passes blocking sockets
  return fd;
}

std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const std::string& text : texts) all += (all.empty() ? "" : " ") + text;
  return all;
}

/// The URLs that open(url) gives, or the error; `-` is none.
std::string opened(InheritedSource& source, const std::string& url,
                   const BindOptions& options = {}) {
  const auto sockets = source.open(*parse_url(url), options);
  if (!sockets) return sockets.error().message;
  std::vector<std::string> urls;
  for (const BoundSocket& socket : *sockets) urls.push_back(socket.url);
  return urls.empty() ? "-" : joined(urls);
}

/// `%` in a URL of this table is the port of the one inherited socket.
std::string with_port(std::string url, const std::string& port) {
  const std::size_t at = url.find('%');
  return at == std::string::npos ? url : url.replace(at, 1, port);
}

std::string source_error(std::vector<UniqueFd> sockets) {
  pass(std::move(sockets));
  const auto source = InheritedSource::from_environment();
  return source ? "accepted" : source.error().message;
}

}  // namespace

TEST_CASE("an inherited inet socket is found by the URLs that mean it, and by no other",
          "[inherited]") {
  const auto [bound, wanted, found] = GENERATE(table<std::string, std::string, bool>({
      {"tcp://:0", "tcp://:%", true},
      {"tcp://:0", "tcp://0.0.0.0:%", true},
      {"tcp://:0", "tcp4://:%", false},
      {"tcp://:0", "tcp6://:%", false},
      {"tcp://:0", "udp://:%", false},
      {"tcp://:0", "tcp://127.0.0.1:%", false},
      {"tcp4://:0", "tcp4://:%", true},
      {"tcp4://:0", "tcp://:%", false},
      {"tcp6://:0", "tcp6://:%", true},
      {"tcp6://:0", "tcp://:%", false},
      {"tcp://127.0.0.1:0", "tcp://127.0.0.1:%", true},
      {"tcp://127.0.0.1:0", "tcp4://127.0.0.1:%", true},
      {"tcp4://127.0.0.1:0", "tcp://[::ffff:127.0.0.1]:%", true},
      {"tcp://127.0.0.1:0", "tcp://127.0.0.1:0", false},
      {"udp://[::1]:0", "udp://[::1]:%", true},
      {"udp://[::1]:0", "udp6://[0:0::1]:%", true},
      {"udp://[::1]:0", "tcp://[::1]:%", false},
      {"udp4://:0", "udp4://:%", true},
  }));
  CAPTURE(bound, wanted);
  const std::string answer = in_child(0, [&, bound = bound, wanted = wanted] {
    UniqueFd fd = bound_fd(bound);
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&storage), &size);
    SocketAddress address{.storage = storage, .length = size};
    std::vector<UniqueFd> sockets;
    sockets.push_back(std::move(fd));
    pass(std::move(sockets));
    auto source = InheritedSource::from_environment();
    if (!source) return source.error().message;
    const std::string url = with_port(wanted, std::to_string(port_of(address)));
    const std::string got = opened(*source, url);
    const bool left = !source->unclaimed().empty();
    return std::string(got == "-" ? "no" : "yes") + (left ? " left" : " taken");
  });
  CHECK(answer == (found ? "yes taken" : "no left"));
}

TEST_CASE("an IPv6 socket that a manager bound without V6ONLY is found by its address",
          "[inherited]") {
  CHECK(in_child(0, [] {
          UniqueFd fd(::socket(AF_INET6, SOCK_STREAM, 0));
          sockaddr_in6 v6{};
          v6.sin6_family = AF_INET6;
          v6.sin6_addr = in6addr_loopback;
          ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
          socklen_t size = sizeof v6;
          ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&v6), &size);
          const std::string url = "tcp6://[::1]:" + std::to_string(ntohs(v6.sin6_port));
          std::vector<UniqueFd> sockets;
          sockets.push_back(std::move(fd));
          pass(std::move(sockets));
          auto source = InheritedSource::from_environment();
          return std::string(source && opened(*source, url) == url ? "found" : "lost");
        }) == "found");
}

TEST_CASE("each socket is handed out once, close-on-exec and non-blocking, and the rest is told",
          "[inherited]") {
  CHECK(in_child(0, [] {
          std::vector<UniqueFd> sockets;
          sockets.push_back(bound_fd("unixgram://@inherit-a"));
          sockets.push_back(bound_fd("unix://@inherit-b"));
          pass(std::move(sockets));
          auto source = InheritedSource::from_environment();
          if (!source) return source.error().message;
          if (std::getenv("LISTEN_PID") || std::getenv("LISTEN_FDS") ||
              std::getenv("LISTEN_FDNAMES"))
            return std::string("set");
          std::string answer = joined(source->unclaimed());
          auto taken = source->open(*parse_url("unixgram://@inherit-a"), {});
          if (!taken || taken->size() != 1) return std::string("not taken");
          const BoundSocket& socket = taken->front();
          const bool ready = (::fcntl(socket.fd.get(), F_GETFD) & FD_CLOEXEC) &&
                             (::fcntl(socket.fd.get(), F_GETFL) & O_NONBLOCK) &&
                             int_option(socket.fd.get(), SOL_SOCKET, SO_PASSCRED) == 1 &&
                             socket.inherited;
          answer += ready ? " | ready | " : " | unready | ";
          answer += opened(*source, "unixgram://@inherit-a") + " | " + joined(source->unclaimed());
          return answer;
        }) == "unixgram://@inherit-a unix://@inherit-b | ready | - | unix://@inherit-b");
}

TEST_CASE("an inherited unix file is found by any spelling and never removed", "[inherited]") {
  const SharedDir dir;
  CHECK(in_child(0, [&] {
          std::vector<UniqueFd> sockets;
          sockets.push_back(foreign_server(dir / "s", SOCK_SEQPACKET, true));
          pass(std::move(sockets));
          auto source = InheritedSource::from_environment();
          if (!source) return source.error().message;
          const std::string other_type = opened(*source, "unix://" + dir / "s");
          auto taken = source->open(*parse_url("unixpacket://" + dir.path() + "/./s"), {});
          if (!taken || taken->size() != 1) return std::string("not taken");
          if (!start_listening(taken->front(), 0) || !start_listening(taken->front(), 9))
            return std::string("listen");
          return other_type;
        }) == "-");
  CHECK(dir.list() == "s");
}

TEST_CASE("a buffer that is asked for is set on an inherited socket too", "[inherited]") {
  CHECK(in_child(0, [] {
          std::vector<UniqueFd> sockets;
          sockets.push_back(bound_fd("unixgram://@inherit-buffer"));
          pass(std::move(sockets));
          auto source = InheritedSource::from_environment();
          auto taken = source->open(*parse_url("unixgram://@inherit-buffer"),
                                    {.receive_buffer_bytes = 50'000});
          return std::to_string(taken->front().receive_buffer_bytes);
        }) == "100000");
}

TEST_CASE(
    "without variables, or with those of another process, there is nothing, and they are unset",
    "[inherited]") {
  const std::string pid = GENERATE("", "1", "x");
  CHECK(in_child(0, [&] {
          ::setenv("LISTEN_PID", pid.c_str(), 1);
          ::setenv("LISTEN_FDS", "1", 1);
          auto source = InheritedSource::from_environment();
          if (!source) return source.error().message;
          return joined(source->unclaimed()) + opened(*source, "tcp://:5514") +
                 (std::getenv("LISTEN_FDS") ? " set" : " unset");
        }) == "- unset");
}

TEST_CASE("descriptors that are no sockets of ours are refused with their number", "[inherited]") {
  const auto refused = [](const std::function<UniqueFd()>& make) {
    return in_child(0, [&] {
      std::vector<UniqueFd> sockets;
      sockets.push_back(make());
      return source_error(std::move(sockets));
    });
  };
  CHECK(refused([] { return UniqueFd(::open("/dev/null", O_RDONLY)); }) ==
        "inherited descriptor 3: not a socket");
  CHECK(refused([] { return UniqueFd(::socket(AF_NETLINK, SOCK_RAW, 0)); }) ==
        "inherited descriptor 3: not a tcp, udp, unix, unixgram or unixpacket socket");
  CHECK(refused([] { return UniqueFd(::socket(AF_INET, SOCK_STREAM, 0)); }) ==
        "inherited descriptor 3: a socket without an address");
  CHECK(refused([] { return UniqueFd(::socket(AF_UNIX, SOCK_DGRAM, 0)); }) ==
        "inherited descriptor 3: a socket without an address");
  CHECK(refused([] {
          const UniqueFd server = foreign_server(
              "/tmp/penstock-inherit-" + std::to_string(::getpid()), SOCK_STREAM, true);
          const sockaddr_un name = unix_name("/tmp/penstock-inherit-" + std::to_string(::getpid()));
          const UniqueFd peer(::socket(AF_UNIX, SOCK_STREAM, 0));
          ::connect(peer.get(), reinterpret_cast<const sockaddr*>(&name), sizeof name);
          UniqueFd accepted(::accept(server.get(), nullptr, nullptr));
          ::unlink(name.sun_path);
          return accepted;
        }) ==
        "inherited descriptor 3: a connected socket, listening and datagram sockets are taken "
        "(systemd: Accept=no)");
}

TEST_CASE("a count that is no number, or too large, is refused", "[inherited]") {
  const std::string count = GENERATE("x", "-1", "1x", "99999999999", "100000");
  CHECK(in_child(0, [&] {
          pass({});
          ::setenv("LISTEN_FDS", count.c_str(), 1);
          const auto source = InheritedSource::from_environment();
          return source ? "accepted" : source.error().message;
        }) == "LISTEN_FDS: expected 0 to 4096, got \"" + count + '"');
}

TEST_CASE("fewer descriptors than announced are told", "[inherited]") {
  CHECK(in_child(0, [] {
          for (int fd = 3; fd < 50; ++fd) ::close(fd);
          pass({});
          ::setenv("LISTEN_FDS", "1", 1);
          const auto source = InheritedSource::from_environment();
          return source ? "accepted" : source.error().message;
        }) == "inherited descriptor 3: bad file descriptor");
}
