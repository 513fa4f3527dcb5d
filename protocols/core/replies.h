#pragma once

#include <string_view>

namespace penstock {

/// Where a decoder puts bytes for its peer (acknowledgements, greetings). Never blocks: bytes wait in a small buffer
/// with a cap; a peer that lets it overflow is closed.
struct Replies {
  virtual void send(std::string_view bytes) = 0;

 protected:
  ~Replies() = default;
};

}  // namespace penstock
