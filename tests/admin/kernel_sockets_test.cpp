#include "server/admin/kernel_sockets.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <catch2/catch.hpp>
#include <cstring>
#include <deque>

using namespace penstock;
using namespace penstock::admin;
using kernel::InetKind;
using kernel::InetSocket;
using kernel::UnixSocket;

namespace {

constexpr std::uint8_t kEstablished = 1, kFinWait2 = 5, kUnconnected = 7, kListen = 10;

SocketAddress address(const char* ip, std::uint16_t port) {
  SocketAddress made;
  sockaddr_in v4{};
  sockaddr_in6 v6{};
  if (::inet_pton(AF_INET, ip, &v4.sin_addr) == 1) {
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&made.storage, &v4, sizeof v4);
  } else {
    REQUIRE(::inet_pton(AF_INET6, ip, &v6.sin6_addr) == 1);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&made.storage, &v6, sizeof v6);
  }
  return made;
}

/// The endpoints of a made-up server, and what the kernel says of it.
struct Server {
  std::deque<Origin> origins;
  std::vector<Endpoint> endpoints;

  void listen(const char* url, Scheme scheme, const SocketAddress& at, std::uint64_t cookie) {
    origins.push_back({"in", url});
    endpoints.push_back({&origins.back(), scheme, at, cookie});
  }
};

InetSocket inet(const char* ip, std::uint16_t port, std::uint8_t state, std::uint64_t cookie,
                std::uint32_t receive, std::uint32_t send, std::uint32_t inode = 1) {
  InetSocket socket;
  std::array<std::byte, 16> raw{};
  socket.family = ::inet_pton(AF_INET, ip, raw.data()) == 1 ? AF_INET : AF_INET6;
  if (socket.family == AF_INET6) REQUIRE(::inet_pton(AF_INET6, ip, raw.data()) == 1);
  socket.address = raw;
  socket.port = port;
  socket.state = state;
  socket.cookie = cookie;
  socket.receive_queue = receive;
  socket.send_queue = send;
  socket.receive_buffer_bytes = 4096;
  socket.inode = inode;
  return socket;
}

UnixSocket local(std::uint32_t file, std::uint8_t state, std::uint64_t cookie,
                 std::uint32_t receive, std::uint32_t send) {
  UnixSocket socket;
  socket.name.file_inode = file;
  socket.name.device = 9;
  socket.inode = 1;
  socket.state = state;
  socket.cookie = cookie;
  socket.receive_queue = receive;
  socket.send_queue = send;
  return socket;
}

}  // namespace

TEST_CASE(
    "sockets are summed under the URL they came through: the exact address before the wildcard",
    "[admin][sockets]") {
  Server server;
  server.listen("tcp4://0.0.0.0:514", Scheme::kTcp4, address("0.0.0.0", 514), 1);
  server.listen("tcp4://127.0.0.1:514", Scheme::kTcp4, address("127.0.0.1", 514), 2);
  server.listen("tcp://[::]:600", Scheme::kTcp, address("::", 600), 3);
  server.listen("udp4://0.0.0.0:514", Scheme::kUdp4, address("0.0.0.0", 514), 4);
  KernelSockets sockets(server.endpoints);
  sockets.begin();
  sockets.add(inet("0.0.0.0", 514, kListen, 1, 2, 128), InetKind::kTcp);
  sockets.add(inet("127.0.0.1", 514, kListen, 2, 1, 64), InetKind::kTcp);
  sockets.add(inet("192.0.2.1", 514, kEstablished, 10, 100, 7), InetKind::kTcp);
  sockets.add(inet("192.0.2.1", 514, kEstablished, 11, 30, 0, 0), InetKind::kTcp);  // not accepted
  sockets.add(inet("192.0.2.1", 514, kFinWait2, 12, 1, 1, 0), InetKind::kTcp);      // closed by us
  sockets.add(inet("127.0.0.1", 514, kEstablished, 13, 5, 0), InetKind::kTcp);
  sockets.add(inet("::ffff:192.0.2.1", 600, kEstablished, 14, 1000, 0), InetKind::kTcp);
  sockets.add(inet("::1", 601, kEstablished, 15, 9999, 0), InetKind::kTcp);  // nobody's
  sockets.add(inet("0.0.0.0", 514, kUnconnected, 4, 2304, 0), InetKind::kUdp);
  sockets.finish();
  const auto totals = sockets.totals();
  CHECK(totals.size() == 4);
  const KernelTotals& wild = totals.at("tcp4://0.0.0.0:514");
  CHECK(wild.receive_queue_bytes == 130);
  CHECK(wild.send_queue_bytes == 7);
  CHECK(wild.accept_queue == 2);
  CHECK(wild.backlog == 128);
  CHECK(wild.receive_buffer_bytes == 0);
  CHECK(totals.at("tcp4://127.0.0.1:514").receive_queue_bytes == 5);
  CHECK(totals.at("tcp4://127.0.0.1:514").backlog == 64);
  CHECK(totals.at("tcp://[::]:600").receive_queue_bytes == 1000);
  CHECK(totals.at("udp4://0.0.0.0:514").receive_queue_bytes == 2304);
  CHECK(totals.at("udp4://0.0.0.0:514").receive_buffer_bytes == 4096);
  REQUIRE(sockets.find(14) != nullptr);
  CHECK(sockets.find(14)->receive_queue == 1000);
  CHECK(sockets.find(15) == nullptr);
}

TEST_CASE(
    "unix connections follow their listener's file, whatever order they are told in, and outlive "
    "it",
    "[admin][sockets]") {
  Server server;
  server.listen("unix:///a", Scheme::kUnix, {}, 1);
  server.listen("unixgram:///g", Scheme::kUnixgram, {}, 2);
  KernelSockets sockets(server.endpoints);
  sockets.begin();
  sockets.add(local(50, kEstablished, 10, 100, 0));
  sockets.add(local(50, kListen, 1, 3, 4096));
  sockets.add(local(50, kEstablished, 11, 20, 1));
  sockets.add(local(51, kUnconnected, 2, 8, 0));
  sockets.add(local(52, kEstablished, 12, 999, 0));  // somebody else's file
  sockets.finish();
  const auto totals = sockets.totals();
  CHECK(totals.at("unix:///a").receive_queue_bytes == 120);
  CHECK(totals.at("unix:///a").send_queue_bytes == 1);
  CHECK(totals.at("unix:///a").accept_queue == 3);
  CHECK(totals.at("unixgram:///g").receive_queue_bytes == 8);
  CHECK(sockets.find(12) == nullptr);

  sockets.begin();  // the listening one has closed
  sockets.add(local(50, kEstablished, 10, 77, 0));
  sockets.finish();
  CHECK(sockets.totals().at("unix:///a").receive_queue_bytes == 77);
  CHECK(sockets.totals().at("unix:///a").accept_queue == 0);
}
