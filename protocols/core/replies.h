#pragma once

#include <string_view>

namespace penstock {

/// Where a decoder puts bytes for its peer (acknowledgements, greetings). Never blocks: bytes wait in a small buffer
/// with a cap; a peer that lets it overflow is closed.
struct Replies {
  virtual void send(std::string_view bytes) = 0;

  /// The protocol has come to its end: FIN goes out behind the replies, once nothing waits for an acknowledgement. What
  /// the peer still sends is taken, for as long as a connection that we end gets. Nothing to datagrams.
  virtual void hang_up() {}

 protected:
  ~Replies() = default;
};

}  // namespace penstock
