#include "server/sinks/nats/nats_mailbox.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <utility>

#include "protocols/core/check.h"

namespace penstock {

NatsMailbox::NatsMailbox() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  PENSTOCK_CHECK(wake_ >= 0);
}

NatsMailbox::~NatsMailbox() { ::close(wake_); }

void NatsMailbox::put(NatsMessage message) {
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    first = messages_.empty();
    messages_.push_back(std::move(message));
  }
  if (first) wake();
}

void NatsMailbox::wake() noexcept { ::eventfd_write(wake_, 1); }

std::vector<NatsMessage> NatsMailbox::take() {
  eventfd_t count = 0;
  ::eventfd_read(wake_, &count);
  const std::lock_guard lock(mutex_);
  return std::exchange(messages_, {});
}

}  // namespace penstock
