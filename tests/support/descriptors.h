#pragma once

#include <unistd.h>

#include <array>
#include <string>

namespace penstock::test {

/// What can be read from `fd` up to its end; from one that does not block, up to what is there now.
inline std::string read_to_end(int fd) {
  std::string bytes;
  std::array<char, 65536> buffer{};
  for (ssize_t n = 0; (n = ::read(fd, buffer.data(), buffer.size())) > 0;)
    bytes.append(buffer.data(), static_cast<std::size_t>(n));
  return bytes;
}

}  // namespace penstock::test
