#pragma once

#include <array>
#include <memory>

#include "protocols/compression/inflater.h"
#include "protocols/compression/zstd_frame.h"

struct ZSTD_DCtx_s;

namespace penstock {

/// zstd, by libzstd. A frame's header is looked at before libzstd sees it, as it decides about memory.
class ZstdInflater final : public Inflater {
 public:
  ZstdInflater() noexcept = default;
  ~ZstdInflater() override = default;

  /// What a frame with this window takes at most.
  static std::size_t memory_for(std::size_t window_bytes) noexcept;

  InflateResult step(std::string_view input, std::span<char> room,
                     std::size_t memory_bytes) override;
  bool finished() const noexcept override { return !in_frame_ && header_bytes_ == 0; }
  bool flushed() const noexcept override;
  void reset() noexcept override;
  bool trim() noexcept override;
  std::size_t memory_bytes() const noexcept override;

 private:
  bool begin_frame(std::string_view rest, std::size_t memory_bytes, InflateResult& result);
  ZstdHeader read_header(std::string_view rest, InflateResult& result);
  std::size_t next_piece_bytes() const noexcept;
  bool inflate_some(std::string_view rest, std::span<char> room, InflateResult& result);
  bool broken(const char* why, InflateResult& result) noexcept;
  void open();

  struct Free {
    void operator()(ZSTD_DCtx_s* context) const noexcept;
  };
  std::unique_ptr<ZSTD_DCtx_s, Free> context_;
  std::array<char, kMaxZstdHeaderBytes> header_{};
  std::size_t header_bytes_ = 0, header_fed_ = 0;
  std::size_t left_ = 0;                       // bytes of input that would complete what it is at
  std::optional<std::uint64_t> content_left_;  // where its header says how much comes out
  const char* why_ = nullptr;
  bool in_frame_ = false;
  bool may_hold_more_ = false;  // the last room was filled
  bool further_ = false;        // a frame has ended before the one that is read
};

}  // namespace penstock
