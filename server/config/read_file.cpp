#include "server/config/read_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "protocols/core/errno_text.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

tl::unexpected<Error> failed(int code) { return fail(code, errno_text(code)); }

Result<std::string> read_all(int fd, std::size_t max_bytes) {
  std::string content;
  std::size_t filled = 0;
  for (;;) {
    content.resize(filled + (std::size_t{64} << 10));
    const auto n = ::read(fd, content.data() + filled, content.size() - filled);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return failed(errno);
    filled += static_cast<std::size_t>(n);
    if (filled > max_bytes) return fail(EFBIG, "longer than " + size_text(max_bytes));
    if (n == 0) break;
  }
  content.resize(filled);
  return content;
}

}  // namespace

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return failed(errno);
  auto content = read_all(fd, max_bytes);
  ::close(fd);
  return content;
}

}  // namespace penstock::config
