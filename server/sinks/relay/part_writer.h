#pragma once

#include <cerrno>
#include <string>
#include <string_view>

#include "server/sinks/relay/part.h"

namespace penstock {

/// How a part becomes bytes on a socket: as a stream or as messages. One part at a time.
struct PartWriter {
  enum class State : std::uint8_t {
    kWritten,  ///< all of the part
    kFull,     ///< the socket takes no more
    kBroken,   ///< `error` says why
  };
  struct Step {
    State state = State::kWritten;
    std::size_t bytes = 0;     ///< that the socket took
    std::size_t messages = 0;  ///< the same, where there are messages
    int error = 0;             ///< of kBroken

    /// What sending said in errno.
    void full_or_broken(int why) noexcept {
      const bool full = why == EAGAIN || why == ENOBUFS || why == ENOMEM;
      state = full ? State::kFull : State::kBroken;
      error = full ? 0 : why;
    }
  };

  virtual ~PartWriter() = default;

  /// Forgets the part before, wherever it stood, and goes on with `part` from its `at`. `part` lives until the next call.
  virtual void begin(RelayPart& part) = 0;

  /// Writes until the part has ended, the socket is full, or about 1 MiB. `offset` is that of the next byte.
  virtual Step write(int fd, std::uint64_t offset) = 0;

  /// In front of the first record of `part` that is not whole within its first `bytes` bytes.
  virtual Place place_behind(const RelayPart& part, std::uint64_t bytes) const = 0;

  /// What the record that ends in the middle at `bytes` still needs; empty where none does.
  virtual std::string rest_of_record(const RelayPart& part, std::uint64_t bytes) const = 0;
};

/// Sends the front of `bytes`, as much as the socket takes, and removes it. False: it takes nothing, `step` says why.
bool send_front(int fd, std::string_view& bytes, PartWriter::Step& step);

}  // namespace penstock
