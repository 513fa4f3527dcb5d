#include "server/net/socket.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <catch2/catch.hpp>
#include <functional>
#include <string>

#include "server/loop/timer.h"

using namespace penstock;
using namespace std::chrono_literals;

namespace {

struct Events final : SocketEvents {
  void on_readable() override {
    ++readable;
    if (when_readable) when_readable();
  }
  void on_peer_closed() override { ++peer_closed; }
  void on_error() override {
    ++errors;
    if (when_error) when_error();
  }
  void on_written() override { ++written; }
  int readable = 0, peer_closed = 0, errors = 0, written = 0;
  std::function<void()> when_readable, when_error;
};

/// A loop with one Socket on it, and the other end.
struct Fixture {
  explicit Fixture(bool tcp = false) {
    int fds[2];
    if (tcp) {
      UniqueFd listener(::socket(AF_INET, SOCK_STREAM, 0));
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* raw = reinterpret_cast<sockaddr*>(&address);
      REQUIRE(::bind(listener.get(), raw, size) == 0);
      REQUIRE(::getsockname(listener.get(), raw, &size) == 0);
      REQUIRE(::listen(listener.get(), 1) == 0);
      fds[1] = ::socket(AF_INET, SOCK_STREAM, 0);
      REQUIRE(::connect(fds[1], raw, size) == 0);
      fds[0] = ::accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK);
    } else {
      REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
    }
    theirs = UniqueFd(fds[1]);
    socket = std::make_unique<Socket>(*loop, UniqueFd(fds[0]), events);
    REQUIRE(socket->open());
  }

  /// Turns of the loop until `done`; false after five seconds.
  bool run_until(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!done()) {
      if (std::chrono::steady_clock::now() > end) return false;
      turn();
    }
    return true;
  }
  /// One turn that waits for nothing.
  void turn() { uv_run(loop->uv(), UV_RUN_NOWAIT); }
  void turns(int n) {
    while (n-- > 0) turn();
  }
  void send(const std::string& bytes) {
    REQUIRE(::send(theirs.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(bytes.size()));
  }
  std::string read() {
    char buffer[65536];
    const ssize_t n = ::recv(socket->fd(), buffer, sizeof buffer, MSG_DONTWAIT);
    return n > 0    ? std::string(buffer, static_cast<std::size_t>(n))
           : n == 0 ? "EOF"
                    : "error " + std::to_string(errno);
  }
  void reset_theirs() {
    const linger now{1, 0};
    ::setsockopt(theirs.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    theirs.reset();
  }

  std::unique_ptr<EventLoop> loop = std::move(EventLoop::create().value());
  Events events;
  UniqueFd theirs;
  std::unique_ptr<Socket> socket;  // before the loop goes
};

}  // namespace

TEST_CASE("socket: nothing is reported before read() and after stop()", "[net][socket]") {
  Fixture f;
  f.send("x");
  f.turns(5);
  CHECK(f.events.readable == 0);
  f.socket->read();
  CHECK(f.run_until([&] { return f.events.readable == 1; }));
  f.turn();
  CHECK(f.events.readable == 2);  // level-triggered
  f.socket->stop();
  f.turns(5);
  CHECK(f.events.readable == 2);
}

TEST_CASE("socket: parked, data is not reported; the peer's end is, once, and spins nothing",
          "[net][socket]") {
  Fixture f(GENERATE(false, true));
  f.socket->park();
  f.send("data");
  f.turns(5);
  CHECK(f.events.readable == 0);
  CHECK_FALSE(f.socket->peer_closed());
  ::shutdown(f.theirs.get(), SHUT_WR);
  CHECK(f.run_until([&] { return f.events.peer_closed == 1; }));
  CHECK(f.socket->peer_closed());
  f.turns(5);
  CHECK(f.events.peer_closed == 1);
  CHECK(f.events.readable == 0);
  CHECK(uv_loop_alive(f.loop->uv()) != 0);
  f.socket->park();  // again: watches nothing at all now
  f.turns(5);
  CHECK(f.events.peer_closed == 1);
  f.socket->read();
  CHECK(f.run_until([&] { return f.events.readable == 1; }));
  CHECK(f.read() == "data");
  CHECK(f.read() == "EOF");
}

TEST_CASE("socket: a reset is an error of the poll; what came before it is still there",
          "[net][socket]") {
  Fixture f(true);
  const bool parked = GENERATE(true, false);
  CAPTURE(parked);
  f.send("data");
  if (parked) f.socket->park();
  std::string got;
  f.events.when_error = [&] {
    if (parked) return;
    got = f.read();
  };
  f.events.when_readable = [&] { got = got.empty() ? f.read() : got; };
  if (!parked) f.socket->read();
  f.reset_theirs();
  CHECK(f.run_until([&] { return f.events.errors == 1; }));
  f.turns(5);
  CHECK(f.events.errors == 1);  // the poll has stopped
  if (parked) got = f.read();
  CHECK(got == "data");
  CHECK(f.read() == "error " + std::to_string(ECONNRESET));
}

TEST_CASE("socket: replies wait in a buffer, go out in order, and tell when they are out",
          "[net][socket]") {
  Fixture f;
  const int small = 4096;
  ::setsockopt(f.socket->fd(), SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
  f.socket->park();
  std::string sent;
  while (f.socket->pending_bytes() < 30'000) {
    const std::string chunk = std::to_string(sent.size()) + std::string(997, '.') + "\n";
    REQUIRE(f.socket->send(chunk));
    sent += chunk;
  }
  CHECK(f.events.written == 0);
  std::string got;
  CHECK(f.run_until([&] {
    char buffer[4096];
    const ssize_t n = ::recv(f.theirs.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    if (n > 0) got.append(buffer, static_cast<std::size_t>(n));
    return got.size() == sent.size();
  }));
  CHECK(got == sent);
  CHECK(f.socket->pending_bytes() == 0);
  CHECK(f.events.written == 1);
  f.send("x");  // POLLOUT alone was asked for: parked still
  f.turns(5);
  CHECK(f.events.readable == 0);
}

TEST_CASE("socket: a peer that does not read makes send() fail at the cap, and no earlier",
          "[net][socket]") {
  Fixture f;
  f.socket->read();
  const std::string chunk(1000, 'x');
  int sends = 0;
  while (f.socket->send(chunk)) REQUIRE(++sends < 10'000);
  CHECK(f.socket->pending_bytes() <= Socket::kMaxPendingBytes);
  CHECK(f.socket->pending_bytes() > Socket::kMaxPendingBytes - chunk.size());
  CHECK(f.socket->send("y"));  // what fits still goes
}

TEST_CASE("socket: replies to a peer that has gone are no failure; reading tells of its end",
          "[net][socket]") {
  Fixture f(GENERATE(false, true));
  f.socket->read();
  f.reset_theirs();
  std::string end;
  f.events.when_readable = f.events.when_error = [&] { end = f.read(); };
  CHECK(f.run_until([&] { return !end.empty(); }));
  CHECK(f.socket->send("ack\n"));
  CHECK(f.socket->send("ack\n"));
  CHECK(f.socket->pending_bytes() == 0);
}

TEST_CASE("socket: closed or given away inside its own callback, nothing more comes",
          "[net][socket]") {
  Fixture f;
  const bool give_away = GENERATE(false, true);
  f.socket->read();
  UniqueFd given;
  f.events.when_readable = [&] {
    if (give_away)
      given = f.socket->release();
    else
      f.socket->close();
  };
  f.send("x");
  ::shutdown(f.theirs.get(), SHUT_WR);
  CHECK(f.run_until([&] { return f.events.readable == 1; }));
  f.turns(5);
  CHECK(f.events.readable == 1);
  CHECK_FALSE(f.socket->is_open());
  CHECK_FALSE(f.socket->send("y"));
  char byte = 0;
  if (give_away)
    CHECK(::recv(given.get(), &byte, 1, 0) == 1);
  else
    CHECK(::recv(f.theirs.get(), &byte, 1, 0) <= 0);
  f.socket->close();
}

TEST_CASE("socket: its descriptor's number may be used again at once after close",
          "[net][socket]") {
  Fixture f;
  f.socket->read();
  f.turn();
  const int number = f.socket->fd();
  f.socket->close();
  int fds[2];
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0);
  REQUIRE(fds[0] == number);
  Events events;
  UniqueFd other(fds[1]);
  Socket next(*f.loop, UniqueFd(fds[0]), events);
  REQUIRE(next.open());
  next.read();
  REQUIRE(::send(other.get(), "x", 1, 0) == 1);
  CHECK(f.run_until([&] { return events.readable == 1; }));
  CHECK(f.events.readable == 0);
}
