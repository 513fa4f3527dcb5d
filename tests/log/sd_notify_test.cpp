#include "server/log/sd_notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string>

#include "tests/support/temp_dir.h"
#include "tests/support/variable.h"

using penstock::sd_notify;
using penstock::test::TempDir;
using penstock::test::Variable;

namespace {

/// The service manager's end.
class Manager {
 public:
  explicit Manager(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    if (name[0] == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    REQUIRE(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), length) == 0);
  }
  ~Manager() { ::close(fd_); }

  std::string received() const {
    std::array<char, 256> buffer{};
    const ssize_t n = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    return n < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(n));
  }

 private:
  int fd_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
};

}  // namespace

TEST_CASE("the state reaches a manager at an abstract name", "[log][sd_notify]") {
  const std::string name = "@penstock-test-" + std::to_string(::getpid());
  const Manager manager(name);
  const Variable environment("NOTIFY_SOCKET", name);
  CHECK(sd_notify("READY=1"));
  CHECK(manager.received() == "READY=1");
  CHECK(sd_notify("STOPPING=1\nSTATUS=draining"));
  CHECK(manager.received() == "STOPPING=1\nSTATUS=draining");
}

TEST_CASE("the state reaches a manager at a path", "[log][sd_notify]") {
  const TempDir dir;
  const Manager manager(dir / "notify");
  const Variable environment("NOTIFY_SOCKET", dir / "notify");
  CHECK(sd_notify("READY=1"));
  CHECK(manager.received() == "READY=1");
}

TEST_CASE("without a manager nothing is sent and nothing fails", "[log][sd_notify]") {
  ::unsetenv("NOTIFY_SOCKET");
  CHECK_FALSE(sd_notify("READY=1"));
  const auto name = GENERATE(as<std::string>{}, "", "/", "@", "relative", "vsock:2:1234",
                             "/no/such/socket", "@penstock-nobody", "/" + std::string(200, 'x'));
  CAPTURE(name);
  const Variable environment("NOTIFY_SOCKET", name);
  CHECK_FALSE(sd_notify("READY=1"));
}
