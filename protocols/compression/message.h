#pragma once

#include <array>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "protocols/compression/decompressor.h"
#include "protocols/core/reason.h"

namespace penstock {

/// Decompresses messages that are whole in memory (datagrams, packets), one after the other, with memory that is used
/// again. That grows with what comes out, never by what a message says, up to the limit on its output.
class MessageDecompressor {
 public:
  /// `limits.max_bytes` is at least 1.
  explicit MessageDecompressor(const DecompressLimits& limits) noexcept : limits_(limits) {}

  struct Outcome {
    InflateStatus status =
        InflateStatus::kNeedsInput;  ///< kNeedsInput: whole; else kBroken, kOverLimit
    std::string_view bytes = {};     ///< until the next call
    const char* why = "";            ///< why not; static storage
    bool ends_early = false;         ///< kBroken: more bytes would be needed

    bool whole() const noexcept { return status == InflateStatus::kNeedsInput; }
    /// Under which a message that is not whole is refused.
    Reason reason() const noexcept {
      return status == InflateStatus::kOverLimit ? Reason::kDecompressLimit : Reason::kUndecodable;
    }
  };
  /// `coding` is not kPlain.
  Outcome decompress(Coding coding, std::string_view message);

  /// Gives back what is held beyond a little.
  void trim() noexcept;
  std::size_t memory_bytes() const noexcept;

 private:
  Decompressor& of(Coding coding);
  void grow(std::size_t used);

  struct Free {
    void operator()(char* memory) const noexcept { std::free(memory); }
  };
  const DecompressLimits limits_;
  std::array<std::optional<Decompressor>, 4> decompressors_;  // by coding
  std::unique_ptr<char, Free> buffer_;
  std::size_t capacity_ = 0;
};

/// Trims at the end of its scope, however that is left.
class TrimAtEnd {
 public:
  explicit TrimAtEnd(MessageDecompressor& decompressor) noexcept : decompressor_(decompressor) {}
  ~TrimAtEnd() { decompressor_.trim(); }
  TrimAtEnd(const TrimAtEnd&) = delete;
  TrimAtEnd& operator=(const TrimAtEnd&) = delete;

 private:
  MessageDecompressor& decompressor_;
};

}  // namespace penstock
