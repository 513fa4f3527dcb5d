#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "server/net/unique_fd.h"
#include "server/net/url.h"
#include "server/sinks/relay/lookup.h"

namespace penstock {

/// One attempt to connect to a URL: the name is looked up, then its addresses are tried in order, each for at most
/// kPatience. Never waits: advance() takes the next step that is possible. The sink's thread only.
class Dialer {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPatience{5};

  Dialer(const Url& url, Clock::time_point now) : url_(url), since_(now), lookup_(url) {}

  /// Empty while it goes on; then once the connected, non-blocking socket, or what was tried and why it failed.
  std::optional<Result<UniqueFd>> advance(Clock::time_point now);

  /// Becomes writable when the attempt at an address has ended; -1 while there is none.
  int fd() const noexcept { return fd_.get(); }

 private:
  std::optional<Result<UniqueFd>> next_address(Clock::time_point now);
  bool begin(const SocketAddress& address);
  bool connected_to_itself() const noexcept;
  Error failure() const;

  const Url& url_;
  Clock::time_point since_;
  Lookup lookup_;
  std::vector<SocketAddress> addresses_;
  std::size_t next_ = 0;  // into addresses_
  UniqueFd fd_;
  int error_ = 0;  // of the last address
};

}  // namespace penstock
