#pragma once

#include <nats/nats.h>

#include <memory>
#include <mutex>
#include <vector>

namespace penstock {

struct FreeNatsMsg {
  void operator()(natsMsg* message) const noexcept { natsMsg_Destroy(message); }
};
using NatsMessage = std::unique_ptr<natsMsg, FreeNatsMsg>;

/// Answers on their way from libnats' threads to the sink's, and the descriptor that wakes it. Shared, because libnats may
/// bring one when the sink has gone.
class NatsMailbox {
 public:
  NatsMailbox();
  NatsMailbox(const NatsMailbox&) = delete;
  NatsMailbox& operator=(const NatsMailbox&) = delete;
  ~NatsMailbox();

  void put(NatsMessage message);                     ///< any thread
  void wake() noexcept;                              ///< any thread
  int descriptor() const noexcept { return wake_; }  ///< readable when there is something

  /// The sink's thread: all there is.
  std::vector<NatsMessage> take();

 private:
  const int wake_;  // eventfd
  std::mutex mutex_;
  std::vector<NatsMessage> messages_;
};

}  // namespace penstock
