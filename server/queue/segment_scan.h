#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "protocols/core/result.h"
#include "server/files/file_ops.h"
#include "server/queue/batch_codec.h"

namespace penstock {

/// Where the memory for batches that are read comes from: a block of at least so many bytes.
using BlockSource = std::function<std::shared_ptr<Block>(std::size_t bytes)>;

/// Reads one segment from its front, batch by batch. What does not fit is passed over, never believed: the ids of what
/// is found tell what is missing. One thread.
class SegmentReader {
 public:
  /// Fails where the file cannot be read, or (code 0) where neither copy of its header is whole.
  static Result<std::unique_ptr<SegmentReader>> open(FileOps& files, const std::string& path,
                                                     OriginTable& origins, BlockSource blocks);
  ~SegmentReader();
  SegmentReader(const SegmentReader&) = delete;
  SegmentReader& operator=(const SegmentReader&) = delete;

  const SegmentHeader& header() const noexcept { return header_; }
  const std::string& path() const noexcept { return path_; }
  std::uint64_t file_bytes() const noexcept { return file_bytes_; }
  std::uint64_t offset() const noexcept { return offset_; }
  void seek(std::uint64_t offset) noexcept { offset_ = offset; }

  /// The batch at the offset, which moves behind it. False, and nothing moved, where none that ends before `limit`
  /// stands there. A batch with a damaged table comes without frames, all its records counted as damaged. Errors: the
  /// file cannot be read; the same call may succeed later.
  Result<bool> next(std::uint64_t limit, StoredBatch& out);

  /// next(), or where damage stands at the offset the first batch behind it with records from `least_record` on. False
  /// where there is none.
  Result<bool> next_behind_damage(std::uint64_t limit, std::uint64_t least_record,
                                  StoredBatch& out);

  /// Moves to the next place before `limit`, behind the offset, where a batch with records from `least_record` on
  /// begins. False, and nothing moved, where there is none.
  Result<bool> search(std::uint64_t limit, std::uint64_t least_record);

  /// From here on, or no longer: pages that cannot be read (is_unreadable) are taken for zeros, and what stood in them for damaged.
  void pass_over_unreadable(bool on) noexcept { passing_over_ = on; }
  /// All pages that were passed over lie before the offset.
  bool behind_unreadable() const noexcept { return offset_ >= unreadable_end_; }
  /// What was passed over for the first time since the last call, for people; empty where nothing was.
  std::string take_passed_over();

 private:
  SegmentReader(FileOps& files, std::string path, OriginTable& origins, BlockSource blocks)
      : files_(files), path_(std::move(path)), origins_(origins), blocks_(std::move(blocks)) {}
  /// As many bytes as there are, at most `size`.
  Result<std::size_t> read(char* to, std::size_t size, std::uint64_t offset);
  std::string failure(int code, std::uint64_t offset) const;
  Result<std::size_t> read_pages(char* to, std::size_t size, std::uint64_t offset);
  Result<std::size_t> read_some(char* to, std::size_t size, std::uint64_t offset);

  FileOps& files_;
  const std::string path_;
  OriginTable& origins_;
  const BlockSource blocks_;
  int fd_ = -1;
  SegmentHeader header_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t offset_ = SegmentHeader::kDataOffset;
  bool passing_over_ = false;
  std::uint64_t unreadable_end_ = 0;  // of the last page that was passed over
  std::string passed_over_;
};

}  // namespace penstock
