#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocols/core/batch_writer.h"
#include "protocols/core/peer.h"

namespace penstock {

/// What one read gave.
struct ReadResult {
  enum class Status : std::uint8_t {
    kBytes,  ///< `bytes` were given; 0 where some were taken from the kernel and nothing has come of them yet
    kAgain,   ///< nothing there now
    kEof,     ///< the peer has finished sending
    kError,   ///< `error` is the errno: the stream is over
    kWait,    ///< there is no memory to go on; ParkedList::resume_all when there may be
    kBroken,  ///< the transport cannot make sense of it: Transport::broken()
  };
  Status status = Status::kAgain;
  std::size_t bytes = 0;
  int error = 0;
  std::size_t wire_bytes = 0;  ///< taken from the kernel; with kBytes, kEof, kWait and kBroken
};

/// recv(2) without blocking, as it is.
ReadResult receive_bytes(int fd, std::span<char> space);

/// The layer between descriptor and framing: takes bytes from the kernel, gives plain ones. One a stream connection, own
/// loop only. What it cannot give yet it leaves in the kernel where it can, so that the sender waits; what it has taken
/// all the same it gives with the next read, which the connection makes in the loop's next turn, as no poll tells of it.
struct Transport {
  virtual ~Transport() = default;
  /// Reads into `space` (not empty) without blocking. A layer that changes bytes counts what it takes and gives.
  virtual ReadResult read(int fd, std::span<char> space, FrameCounts& counts) = 0;

  /// The next read may give something although the kernel has nothing.
  virtual bool has_pending() const noexcept { return false; }
  /// Taken from the kernel, and still unknown what it is the beginning of. A few bytes, in front of everything else.
  virtual std::string_view undecided() const noexcept { return {}; }

  /// Where the stream stands by what was taken so far.
  enum class Place : std::uint8_t {
    kWhole,    ///< it may end here
    kFlushed,  ///< all that the sender has flushed was given, but it has not ended
    kInside,   ///< in the middle of something
  };
  virtual Place place() const noexcept { return Place::kWhole; }

  /// Why a read was kBroken.
  struct Broken {
    Reason reason = Reason::kUndecodable;
    std::string_view what = {};  ///< in one line of the log, static storage
    const char* why = "";
  };
  virtual Broken broken() const noexcept { return {}; }
  /// The connection reads no more here: memory goes back, undecided bytes are forgotten.
  virtual void release() noexcept {}
};

/// What the kernel gives, as it is.
class PlainTransport final : public Transport {
 public:
  ReadResult read(int fd, std::span<char> space, FrameCounts& counts) override;
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
