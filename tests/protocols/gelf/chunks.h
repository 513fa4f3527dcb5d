#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "tests/protocols/feed.h"

namespace penstock::test {

inline constexpr auto kId = "abcdefgh";

inline std::string chunk(const std::string& id, unsigned number, unsigned count,
                         std::string_view payload) {
  return "\x1e\x0f" + id + static_cast<char>(number) + static_cast<char>(count) +
         std::string(payload);
}

/// `message` in `count` chunks.
inline std::vector<std::string> chunks(const std::string& id, const std::string& message,
                                       unsigned count) {
  std::vector<std::string> all;
  const std::size_t size = (message.size() + count - 1) / count;
  for (unsigned i = 0; i < count; ++i)
    all.push_back(chunk(id, i, count, message.substr(std::min(i * size, message.size()), size)));
  return all;
}

inline Peer peer(std::uint16_t port) {
  Peer peer;
  peer.kind = Peer::Kind::kInet4;
  peer.port = port;
  return peer;
}

inline std::vector<Reason> reasons(const Feed& feed) {
  std::vector<Reason> all;
  for (const auto& refusal : feed.refusals()) all.push_back(refusal.reason);
  return all;
}

}  // namespace penstock::test
