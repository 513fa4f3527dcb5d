#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "server/net/url.h"

namespace penstock {

/// The addresses of a URL, asked for on a thread of its own: the system's resolver may take half a minute, and nothing can
/// call it back. Who loses patience destroys this; the thread ends by itself.
class Lookup {
 public:
  explicit Lookup(const Url& url);

  /// Empty until the answer is there, then once the answer.
  std::optional<Result<std::vector<SocketAddress>>> take();

 private:
  struct Answer {
    std::mutex mutex;
    std::optional<Result<std::vector<SocketAddress>>> addresses;
  };
  std::shared_ptr<Answer> answer_;  // shared with the thread, which may outlive this
};

}  // namespace penstock
