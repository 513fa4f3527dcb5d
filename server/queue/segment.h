#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

/// The form of a segment file; conf/doc/queue-format.md describes it for people. All numbers are little endian.
///
///     segment = header, zeros up to kDataOffset, batch*      batches begin at multiples of kBatchAlign
///     header  = magic[8], version u32, crc u32, id u64, first_record u64, epoch u64, created_ns i64
///               at offset 0 and once more at kHeaderCopyOffset; crc: of the header with 0 in its place
///     batch   = magic u32, crc u32, first_record u64, records u32, table_bytes u32, data_bytes u32, event_bytes u32,
///               table_crc u32, flags u32; then the table, then the data (batch_codec.h)
///               crc: of epoch and the header behind crc; table_crc: of epoch, first_record and the table
///
/// The epoch is random and new with each use of a file: what an earlier use has left behind has none that fits.
struct SegmentHeader {
  static constexpr std::size_t kBytes = 48;
  static constexpr std::size_t kHeaderCopyOffset = 2048;
  static constexpr std::size_t kDataOffset = 4096;
  static constexpr std::uint32_t kVersion = 1;

  std::uint64_t id = 0;            ///< rises by one a segment; the file's name
  std::uint64_t first_record = 0;  ///< id of the first record in it
  std::uint64_t epoch = 0;
  std::int64_t created_ns = 0;  ///< since 1970

  /// kDataOffset bytes: both copies.
  std::string encode() const;
  /// From the first kDataOffset bytes of a file, or as many as there are; the second copy where the first is damaged.
  /// Nothing where both are, or the version is another.
  static std::optional<SegmentHeader> parse(std::string_view bytes);
};

struct BatchHeader {
  static constexpr std::size_t kBytes = 40;
  static constexpr std::uint32_t kMagic = 0x42545350;  // "PSTB"
  static constexpr std::size_t kBatchAlign = 8;
  static constexpr std::uint32_t kHasEvents = 1;  // of flags

  std::uint64_t first_record = 0;
  std::uint32_t records = 0;
  std::uint32_t table_bytes = 0;
  std::uint32_t data_bytes = 0;   ///< frames and events
  std::uint32_t event_bytes = 0;  ///< at the end of them
  std::uint32_t table_crc = 0;
  std::uint32_t flags = 0;

  /// With the padding to kBatchAlign.
  std::size_t total_bytes() const noexcept {
    const std::size_t bytes = kBytes + table_bytes + std::size_t{data_bytes};
    return (bytes + kBatchAlign - 1) / kBatchAlign * kBatchAlign;
  }
  std::uint64_t end_record() const noexcept { return first_record + records; }

  /// Overwrites kBytes at `to`.
  void encode(std::uint64_t epoch, char* to) const noexcept;
  /// Nothing where magic or CRC do not fit, or the numbers not one another.
  static std::optional<BatchHeader> parse(std::string_view bytes, std::uint64_t epoch) noexcept;
};

/// `0000000000000001.seg`: sixteen hexadecimal digits.
std::string segment_name(std::uint64_t id);
std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept;

/// The `nth` name, from 1 on, that a segment gets which was damaged and is kept: NAME.damaged, NAME.damaged-2, ...
std::string damaged_name(std::string_view segment, unsigned nth);
/// The id of the segment that has got such a name.
std::optional<std::uint64_t> parse_damaged_name(std::string_view name) noexcept;

}  // namespace penstock
