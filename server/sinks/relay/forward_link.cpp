#include "server/sinks/relay/forward_link.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace penstock {

void ForwardLink::begin(Clock::time_point now) {
  client_.emplace(sending_.secrets ? &*sending_.secrets : nullptr);
  awaited_.clear();
  arrived_ = 0;
  since_ = now;
}

void ForwardLink::sending(std::string id, std::uint64_t end, Clock::time_point now) {
  if (awaited_.empty()) since_ = now;
  awaited_.push_back({std::move(id), end});
}

std::string ForwardLink::hear(std::string_view bytes, std::string& reply, Clock::time_point now) {
  std::vector<std::string> acks;
  std::string why = client_->hear(bytes, reply, acks);
  for (const std::string& id : acks) {
    if (!acknowledge(id)) return "it acknowledges a chunk that it was not sent";
    since_ = now;
  }
  return why;
}

bool ForwardLink::acknowledge(std::string_view id) {
  const auto chunk = std::find_if(awaited_.begin(), awaited_.end(), [&](const Chunk& one) {
    return !one.acknowledged && one.id == id;
  });
  if (chunk == awaited_.end()) return false;
  chunk->acknowledged = true;
  for (; !awaited_.empty() && awaited_.front().acknowledged; awaited_.pop_front())
    arrived_ = awaited_.front().end;
  return true;
}

std::string ForwardLink::overdue(Clock::time_point now) const {
  if (!ready())
    return now - since_ < kHandshakePatience
               ? std::string()
               : "no handshake, HELO or PONG, within 10s: perhaps it asks for no shared key";
  if (awaited_.empty() || now - since_ < sending_.ack_timeout) return {};
  return "no acknowledgement for " + std::to_string(sending_.ack_timeout.count()) + " ms, " +
         std::to_string(awaited_.size()) + " chunks wait for theirs";
}

}  // namespace penstock
