#include "server/queue/segment.h"

#include <charconv>
#include <cstdio>

#include "server/queue/bytes.h"
#include "server/queue/crc32c.h"

namespace penstock {
namespace {

constexpr std::string_view kSegmentMagic = "PENSTOCK";
constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::string_view kDamagedSuffix = ".damaged";
constexpr std::size_t kNameDigits = 16;
constexpr std::size_t kBatchCrcEnd = 8;  // of the header: behind magic and crc

std::uint32_t crc_of_epoch(std::uint64_t epoch) noexcept {
  return crc32c(0, {reinterpret_cast<const char*>(&epoch), sizeof epoch});
}

std::string encode_header(const SegmentHeader& header, std::uint32_t crc) {
  std::string out;
  ByteWriter write(out);
  write.raw(kSegmentMagic);
  write.put(SegmentHeader::kVersion);
  write.put(crc);
  write.put(header.id);
  write.put(header.first_record);
  write.put(header.epoch);
  write.put(header.created_ns);
  return out;
}

std::optional<SegmentHeader> parse_copy(std::string_view bytes) {
  ByteReader read(bytes.substr(0, SegmentHeader::kBytes));
  const std::string_view magic = read.raw(kSegmentMagic.size());
  const auto version = read.get<std::uint32_t>();
  const auto crc = read.get<std::uint32_t>();
  SegmentHeader header;
  header.id = read.get<std::uint64_t>();
  header.first_record = read.get<std::uint64_t>();
  header.epoch = read.get<std::uint64_t>();
  header.created_ns = read.get<std::int64_t>();
  if (!read.ok() || magic != kSegmentMagic || version != SegmentHeader::kVersion)
    return std::nullopt;
  if (crc != crc32c(0, encode_header(header, 0))) return std::nullopt;
  return header;
}

template <class T>
void store(char* to, T value) noexcept {
  std::memcpy(to, &value, sizeof value);
}

}  // namespace

std::string SegmentHeader::encode() const {
  const std::string copy = encode_header(*this, crc32c(0, encode_header(*this, 0)));
  std::string out(kDataOffset, '\0');
  out.replace(0, copy.size(), copy);
  out.replace(kHeaderCopyOffset, copy.size(), copy);
  return out;
}

std::optional<SegmentHeader> SegmentHeader::parse(std::string_view bytes) {
  if (const auto header = parse_copy(bytes)) return header;
  return bytes.size() > kHeaderCopyOffset ? parse_copy(bytes.substr(kHeaderCopyOffset))
                                          : std::nullopt;
}

void BatchHeader::encode(std::uint64_t epoch, char* to) const noexcept {
  store(to, kMagic);
  store(to + 8, first_record);
  store(to + 16, records);
  store(to + 20, table_bytes);
  store(to + 24, data_bytes);
  store(to + 28, event_bytes);
  store(to + 32, table_crc);
  store(to + 36, flags);
  store(to + 4, crc32c(crc_of_epoch(epoch), {to + kBatchCrcEnd, kBytes - kBatchCrcEnd}));
}

std::optional<BatchHeader> BatchHeader::parse(std::string_view bytes,
                                              std::uint64_t epoch) noexcept {
  if (bytes.size() < kBytes) return std::nullopt;
  ByteReader read(bytes);
  if (read.get<std::uint32_t>() != kMagic) return std::nullopt;
  const auto crc = read.get<std::uint32_t>();
  if (crc != crc32c(crc_of_epoch(epoch), bytes.substr(kBatchCrcEnd, kBytes - kBatchCrcEnd)))
    return std::nullopt;
  BatchHeader header;
  header.first_record = read.get<std::uint64_t>();
  header.records = read.get<std::uint32_t>();
  header.table_bytes = read.get<std::uint32_t>();
  header.data_bytes = read.get<std::uint32_t>();
  header.event_bytes = read.get<std::uint32_t>();
  header.table_crc = read.get<std::uint32_t>();
  header.flags = read.get<std::uint32_t>();
  if (header.records == 0 || header.event_bytes > header.data_bytes) return std::nullopt;
  return header;
}

std::string segment_name(std::uint64_t id) {
  char name[kNameDigits + 1];
  std::snprintf(name, sizeof name, "%016llx", static_cast<unsigned long long>(id));
  return std::string(name) + std::string(kSegmentSuffix);
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) noexcept {
  if (name.size() != kNameDigits + kSegmentSuffix.size() || !name.ends_with(kSegmentSuffix))
    return std::nullopt;
  std::uint64_t id = 0;
  const char* const end = name.data() + kNameDigits;
  const auto parsed = std::from_chars(name.data(), end, id, 16);
  if (parsed.ec != std::errc{} || parsed.ptr != end) return std::nullopt;
  return id;
}

std::string damaged_name(std::string_view segment, unsigned nth) {
  std::string name(segment);
  name += kDamagedSuffix;
  if (nth > 1) name += "-" + std::to_string(nth);
  return name;
}

std::optional<std::uint64_t> parse_damaged_name(std::string_view name) noexcept {
  const std::size_t suffix = name.find(kDamagedSuffix);
  if (suffix == name.npos) return std::nullopt;
  const std::string_view rest = name.substr(suffix + kDamagedSuffix.size());
  if (!rest.empty() && rest.front() != '-') return std::nullopt;
  return parse_segment_name(name.substr(0, suffix));
}

}  // namespace penstock
