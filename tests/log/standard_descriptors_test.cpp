#include "server/log/standard_descriptors.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cerrno>
#include <string>

#include "tests/support/child.h"

using namespace penstock;
using test::in_child;

namespace {

/// `r`, `w` or `rw` for each of the three, `-` for one that is free.
std::string directions() {
  std::string text;
  for (const int fd : {0, 1, 2}) {
    const int flags = ::fcntl(fd, F_GETFL);
    const int direction = flags & O_ACCMODE;
    text += flags < 0 ? "-" : direction == O_RDWR ? "rw" : direction == O_RDONLY ? "r" : "w";
    text += ' ';
  }
  return text;
}

}  // namespace

TEST_CASE("each of the standard descriptors that was closed is filled, the others stay",
          "[log][descriptors]") {
  const unsigned closed = GENERATE(range(0u, 8u));
  CAPTURE(closed);
  std::string expected;
  const std::array<const char*, 3> filled{"w ", "r ", "w "};
  for (unsigned fd = 0; fd < 3; ++fd) expected += (closed >> fd & 1U) != 0 ? filled[fd] : "rw ";
  CHECK(in_child([closed] {
          const int both = ::open("/dev/null", O_RDWR | O_CLOEXEC);
          for (int fd = 0; fd < 3; ++fd) {
            if ((closed >> fd & 1U) != 0) {
              ::close(fd);
            } else {
              ::dup2(both, fd);
            }
          }
          ::close(both);
          if (!log::fill_standard_descriptors()) return std::string("not filled");
          const int socket_fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
          return socket_fd < 3 ? "a socket got " + std::to_string(socket_fd) : directions();
        }) == expected);
}

TEST_CASE("reading a closed stdin and writing to a closed stdout still fail",
          "[log][descriptors]") {
  CHECK(in_child([] {
          ::close(STDIN_FILENO);
          ::close(STDOUT_FILENO);
          if (!log::fill_standard_descriptors()) return std::string("not filled");
          char byte = 'x';
          if (::read(STDIN_FILENO, &byte, 1) >= 0 || errno != EBADF) return std::string("read");
          if (::write(STDOUT_FILENO, &byte, 1) >= 0 || errno != EBADF)
            return std::string("written");
          return std::string("both fail");
        }) == "both fail");
}
