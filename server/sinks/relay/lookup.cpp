#include "server/sinks/relay/lookup.h"

#include <thread>
#include <utility>

#include "server/net/dial.h"
#include "server/pipeline/signals_blocked.h"

namespace penstock {

Lookup::Lookup(const Url& url) : answer_(std::make_shared<Answer>()) {
  if (!needs_lookup(url)) {
    answer_->addresses = addresses_to_try(url);
    return;
  }
  const SignalsBlocked blocked;
  std::thread([answer = answer_, url] {
    auto addresses = addresses_to_try(url);
    const std::lock_guard lock(answer->mutex);
    answer->addresses = std::move(addresses);
  }).detach();
}

std::optional<Result<std::vector<SocketAddress>>> Lookup::take() {
  const std::lock_guard lock(answer_->mutex);
  return std::exchange(answer_->addresses, std::nullopt);
}

}  // namespace penstock
