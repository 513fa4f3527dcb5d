#pragma once

#include <array>
#include <optional>
#include <span>

#include "protocols/compression/decompressor.h"
#include "server/net/decompress_budget.h"
#include "server/net/transport.h"

namespace penstock {

/// A compressed stream, or with ContentEncoding::kAuto one that may be: decompresses straight into the free space of
/// the block.
///
/// It looks at what the kernel has (MSG_PEEK), decompresses as much as the space holds, and takes exactly that much from
/// the kernel. So nothing compressed is ever held here: what waits stays with the sender, Recv-Q shows it, and the poll
/// tells of it. Only output that the decompressor itself keeps back when the space is full needs has_pending().
///
/// Memory is taken with the first compressed byte, charged to the budget, and goes back between two members when
/// nothing more is there.
class InflatingTransport final : public Transport {
 public:
  /// `scratch` is the loop's, at least kLookBytes, used only during calls.
  InflatingTransport(ContentEncoding encoding, const DecompressLimits& limits,
                     DecompressBudget& budget, std::span<char> scratch) noexcept
      : budget_(budget), scratch_(scratch), limits_(limits), encoding_(encoding) {}
  ~InflatingTransport() override { release(); }
  InflatingTransport(const InflatingTransport&) = delete;
  InflatingTransport& operator=(const InflatingTransport&) = delete;

  ReadResult read(int fd, std::span<char> space, FrameCounts& counts) override;
  bool has_pending() const noexcept override { return pending_; }
  std::string_view undecided() const noexcept override { return {held_.data(), held_bytes_}; }
  Place place() const noexcept override;
  Broken broken() const noexcept override;
  void release() noexcept override;

 private:
  /// Most that is looked at in one read: much more would be looked at again where little of it fits.
  static constexpr std::size_t kLookBytes = std::size_t{32} << 10;

  ReadResult read_more(int fd, std::span<char> space, FrameCounts& counts);
  ReadResult hold(int fd, std::string_view input);
  ReadResult give_held(std::span<char> space) noexcept;
  ReadResult inflate(int fd, std::string_view input, std::span<char> space, FrameCounts& counts);
  InflateResult inflate_with_memory(std::string_view input, std::span<char> space);
  bool grant(std::size_t bytes) noexcept;
  void take(int fd, std::size_t bytes) noexcept;
  void rest() noexcept;

  DecompressBudget& budget_;
  const std::span<char> scratch_;
  const DecompressLimits& limits_;
  std::optional<Coding> coding_;              // unset: no byte has come, or `held_` is undecided
  std::optional<Decompressor> decompressor_;  // from the first compressed byte on
  std::size_t charged_ = 0;                   // for it
  const char* why_ = nullptr;                 // set: broken
  std::array<char, kMaxUndecidedBytes> held_{};
  std::uint8_t held_bytes_ = 0;
  const ContentEncoding encoding_;
  Reason reason_ = Reason::kUndecodable;
  bool pending_ = false;
};

}  // namespace penstock
