#pragma once

#include <zlib.h>

#include "protocols/compression/inflater.h"

namespace penstock {

/// gzip and zlib, by zlib.
class ZlibInflater final : public Inflater {
 public:
  /// Its state and a window of 32 KiB.
  static constexpr std::size_t kMemoryBytes = std::size_t{40} << 10;

  explicit ZlibInflater(Coding coding) noexcept : gzip_(coding == Coding::kGzip) {}
  ~ZlibInflater() override { close(); }
  ZlibInflater(const ZlibInflater&) = delete;
  ZlibInflater& operator=(const ZlibInflater&) = delete;

  InflateResult step(std::string_view input, std::span<char> room,
                     std::size_t memory_bytes) override;
  bool finished() const noexcept override { return place_ != Place::kMember; }
  bool flushed() const noexcept override;
  void reset() noexcept override;
  bool trim() noexcept override;
  std::size_t memory_bytes() const noexcept override { return open_ ? kMemoryBytes : 0; }

 private:
  enum class Place : std::uint8_t { kStart, kMember, kBetween, kPadding, kBroken };

  bool begin_member(std::string_view rest, std::size_t memory_bytes, InflateResult& result);
  bool inflate_some(std::string_view rest, std::span<char> room, InflateResult& result);
  const char* why_broken(int code) const noexcept;
  void open();
  void close() noexcept;

  z_stream stream_{};
  const char* why_ = "";
  const bool gzip_;
  bool open_ = false;
  bool further_ = false;  // a member has ended before the one that is read
  Place place_ = Place::kStart;
};

}  // namespace penstock
