#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstddef>
#include <vector>

#include "server/commands/send/supply.h"

namespace penstock {

/// Sends records as messages of their own, many a system call.
class MessageBatch {
 public:
  explicit MessageBatch(std::size_t size) : iovecs_(size), messages_(size) {
    for (std::size_t i = 0; i < size; ++i) {
      messages_[i].msg_hdr.msg_iov = &iovecs_[i];
      messages_[i].msg_hdr.msg_iovlen = 1;
    }
  }

  /// Number of records sent, from the first one of `pending` on; -1 with errno when not even that one was.
  int send(int fd, const Pending& pending) noexcept {
    const std::size_t n = std::min(pending.records(), messages_.size());
    for (std::size_t i = 0; i < n; ++i) {
      const std::string_view record = pending.record(i);
      iovecs_[i] = {const_cast<char*>(record.data()), record.size()};
    }
    return ::sendmmsg(fd, messages_.data(), static_cast<unsigned>(n), MSG_NOSIGNAL);
  }

 private:
  std::vector<iovec> iovecs_;
  std::vector<mmsghdr> messages_;
};

}  // namespace penstock
