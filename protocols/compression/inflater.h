#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "protocols/compression/coding.h"

namespace penstock {

enum class InflateStatus : std::uint8_t {
  kNeedsInput,   ///< all input is taken, and all that can come of it was given
  kNeedsRoom,    ///< the room is full; there may be more, without further input too
  kNeedsMemory,  ///< `memory_bytes` in all before it goes on
  kBroken,       ///< `why`: behind what was given nothing more can come
  kOverLimit,    ///< the same, of a Decompressor: more than its limits allow
};

struct InflateResult {
  InflateStatus status = InflateStatus::kNeedsInput;
  std::size_t consumed = 0;      ///< from the front of the input
  std::size_t produced = 0;      ///< in the front of the room
  std::size_t memory_bytes = 0;  ///< kNeedsMemory only
  const char* why = "";          ///< a plain reason, static storage
};

/// Decompresses a stream piece by piece: input cut anywhere and room of any size give the same output, and what the
/// sender has flushed comes out at once. Members (frames, zstd) follow each other; behind gzip members zero bytes may
/// stand to the end (RFC 1952 does not know them, tapes and gzip(1) do). Checksums are verified.
///
/// Nothing is allocated by a length from the wire before the caller has granted it: step() says how much it needs.
struct Inflater {
  virtual ~Inflater() = default;

  /// `room` is not empty. `memory_bytes`: what it may hold.
  virtual InflateResult step(std::string_view input, std::span<char> room,
                             std::size_t memory_bytes) = 0;
  /// Nothing is unfinished: no byte has come yet, or the last member is complete.
  virtual bool finished() const noexcept = 0;
  /// All that the sender has flushed is out: it stands between two blocks, or is finished.
  virtual bool flushed() const noexcept = 0;
  /// Forgets what is unfinished and begins anew.
  virtual void reset() noexcept = 0;
  /// Gives its memory back where it is finished; false where it is not.
  virtual bool trim() noexcept = 0;
  /// Held now; never more than was granted.
  virtual std::size_t memory_bytes() const noexcept = 0;
};

/// `coding` is not kPlain. Holds no memory to speak of until the first byte.
std::unique_ptr<Inflater> make_inflater(Coding coding);

/// Largest window of a zstd frame: what every decoder should support (RFC 8878 section 3.1.1.1.2). `zstd --ultra` and
/// `--long` use larger ones.
inline constexpr std::size_t kMaxZstdWindowBytes = std::size_t{8} << 20;

}  // namespace penstock
