#include "server/queue/segment_scan.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/queue/unreadable.h"

namespace penstock {
namespace {

constexpr std::uint64_t kPageBytes = 4096;  // what a disk that fails gives back whole or not at all
constexpr std::size_t kSearchBytes = std::size_t{1} << 20;  // read at once while searching

Result<std::unique_ptr<SegmentReader>> not_opened(int error, const std::string& path) {
  return fail(-error, "open " + path + ": " + errno_text(error));
}

}  // namespace

Result<std::unique_ptr<SegmentReader>> SegmentReader::open(FileOps& files, const std::string& path,
                                                           OriginTable& origins,
                                                           BlockSource blocks) {
  std::unique_ptr<SegmentReader> reader(new SegmentReader(files, path, origins, std::move(blocks)));
  reader->fd_ = files.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (reader->fd_ < 0) return not_opened(reader->fd_, path);
  struct stat status {};
  if (const int result = files.fstat(reader->fd_, status); result < 0)
    return not_opened(result, path);
  reader->file_bytes_ = static_cast<std::uint64_t>(status.st_size);
  std::string front(SegmentHeader::kDataOffset, '\0');
  const Result<std::size_t> got = reader->read(front.data(), front.size(), 0);
  if (!got) return tl::unexpected(got.error());
  const auto header = SegmentHeader::parse(std::string_view(front).substr(0, *got));
  if (!header) return fail(0, path + ": no segment, or both copies of its header are damaged");
  reader->header_ = *header;
  return reader;
}

SegmentReader::~SegmentReader() {
  if (fd_ >= 0) files_.close(fd_);
}

std::string SegmentReader::failure(int code, std::uint64_t offset) const {
  return "read " + path_ + " at byte " + std::to_string(offset) + ": " + errno_text(code);
}

Result<std::size_t> SegmentReader::read(char* to, std::size_t size, std::uint64_t offset) {
  Result<std::size_t> got = read_some(to, size, offset);
  if (got || !passing_over_ || !is_unreadable(got.error().code)) return got;
  return read_pages(to, size, offset);
}

Result<std::size_t> SegmentReader::read_some(char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const std::int64_t n =
        files_.pread(fd_, to + done, size - done, static_cast<std::int64_t>(offset + done));
    if (n == -EINTR) continue;
    if (n < 0) return fail(static_cast<int>(-n), failure(static_cast<int>(n), offset + done));
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
  }
  return done;
}

Result<std::size_t> SegmentReader::read_pages(char* to, std::size_t size, std::uint64_t offset) {
  std::size_t done = 0;
  while (done < size) {
    const std::uint64_t at = offset + done;
    const std::size_t part = std::min<std::uint64_t>(size - done, kPageBytes - at % kPageBytes);
    const Result<std::size_t> got = read_some(to + done, part, at);
    if (!got && !is_unreadable(got.error().code)) return got;
    if (!got) {
      std::fill_n(to + done, part, '\0');
      const std::uint64_t page = at - at % kPageBytes;
      if (page >= unreadable_end_ && passed_over_.empty())
        passed_over_ = failure(got.error().code, page);
      unreadable_end_ = std::max(unreadable_end_, page + kPageBytes);
    }
    done += got.value_or(part);
    if (got && *got < part) break;
  }
  return done;
}

std::string SegmentReader::take_passed_over() { return std::exchange(passed_over_, {}); }

Result<bool> SegmentReader::next(std::uint64_t limit, StoredBatch& out) {
  if (offset_ + BatchHeader::kBytes > limit) return false;
  char front[BatchHeader::kBytes];
  const Result<std::size_t> got = read(front, sizeof front, offset_);
  if (!got) return tl::unexpected(got.error());
  const auto header = BatchHeader::parse({front, *got}, header_.epoch);
  if (!header || offset_ + header->total_bytes() > limit) return false;
  const std::size_t body_bytes = std::size_t{header->table_bytes} + header->data_bytes;
  std::shared_ptr<Block> body = blocks_(body_bytes);
  const Result<std::size_t> body_got =
      read(body->data(), body_bytes, offset_ + BatchHeader::kBytes);
  if (!body_got) return tl::unexpected(body_got.error());
  if (*body_got != body_bytes) return false;  // the file was cut
  offset_ += header->total_bytes();
  auto decoded = decode_batch(*header, header_.epoch, std::move(body), origins_);
  if (decoded) {
    out = std::move(*decoded);
  } else {
    out = StoredBatch{};
    out.first_record = header->first_record;
    out.records = out.damaged = header->records;
  }
  return true;
}

Result<bool> SegmentReader::next_behind_damage(std::uint64_t limit, std::uint64_t least_record,
                                               StoredBatch& out) {
  for (;;) {
    const Result<bool> found = next(limit, out);
    if (!found || *found) return found;
    const Result<bool> behind = search(limit, least_record);
    if (!behind || !*behind) return behind;
  }
}

Result<bool> SegmentReader::search(std::uint64_t limit, std::uint64_t least_record) {
  constexpr std::size_t kAlign = BatchHeader::kBatchAlign;
  if (offset_ + kAlign >= limit) return false;
  const std::uint64_t most = limit - offset_ - kAlign;
  std::string window(std::min<std::uint64_t>(kSearchBytes + BatchHeader::kBytes, most), '\0');
  for (std::uint64_t at = offset_ + kAlign; at + BatchHeader::kBytes <= limit; at += kSearchBytes) {
    const std::size_t want = std::min<std::uint64_t>(window.size(), limit - at);
    const Result<std::size_t> got = read(window.data(), want, at);
    if (!got) return tl::unexpected(got.error());
    for (std::size_t place = 0; place < kSearchBytes && place + BatchHeader::kBytes <= *got;
         place += kAlign) {
      const auto header =
          BatchHeader::parse(std::string_view(window).substr(place, *got - place), header_.epoch);
      if (!header || header->first_record < least_record) continue;
      offset_ = at + place;
      return true;
    }
    if (*got < want) break;
  }
  return false;
}

}  // namespace penstock
