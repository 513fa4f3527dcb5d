#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "protocols/core/peer.h"

namespace penstock {

/// What one read gave.
struct ReadResult {
  enum class Status : std::uint8_t {
    kBytes,  ///< `bytes` > 0 were read
    kAgain,  ///< nothing there now
    kEof,    ///< the peer has finished sending
    kError,  ///< `error` is the errno: the stream is over
  };
  Status status = Status::kAgain;
  std::size_t bytes = 0;
  int error = 0;
};

/// The layer between descriptor and framing: takes bytes from the kernel, gives plain ones. One a stream connection, own
/// loop only. TLS will be the second one; it is why reading asks here and not the socket.
struct Transport {
  virtual ~Transport() = default;
  /// Reads into `space` (not empty) without blocking.
  virtual ReadResult read(int fd, std::span<char> space) = 0;
};

/// recv(2), as it is.
class PlainTransport final : public Transport {
 public:
  ReadResult read(int fd, std::span<char> space) override;
};

/// What stands before the protocol on a connection and may replace the declared peer (a PROXY header, later). Without
/// one a connection is admitted as it was accepted.
struct Preface {
  enum class Status : std::uint8_t { kDone, kAgain, kMalformed };

  virtual ~Preface() = default;
  /// Takes its bytes from `fd` and not one more, and says in `bytes` how many this call took. On kDone `peer` is who the
  /// connection is charged to.
  virtual Status advance(int fd, Peer& peer, std::size_t& bytes) = 0;
};

}  // namespace penstock
