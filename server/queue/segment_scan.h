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

  /// Moves to the next place before `limit`, behind the offset, where a batch with records from `least_record` on
  /// begins. False, and nothing moved, where there is none.
  Result<bool> search(std::uint64_t limit, std::uint64_t least_record);

 private:
  SegmentReader(FileOps& files, std::string path, OriginTable& origins, BlockSource blocks)
      : files_(files), path_(std::move(path)), origins_(origins), blocks_(std::move(blocks)) {}
  /// As many bytes as there are, at most `size`.
  Result<std::size_t> read(char* to, std::size_t size, std::uint64_t offset);

  FileOps& files_;
  const std::string path_;
  OriginTable& origins_;
  const BlockSource blocks_;
  int fd_ = -1;
  SegmentHeader header_;
  std::uint64_t file_bytes_ = 0;
  std::uint64_t offset_ = SegmentHeader::kDataOffset;
};

}  // namespace penstock
