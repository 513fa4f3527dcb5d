#pragma once

#include <cstdint>
#include <string>

#include "protocols/core/result.h"
#include "server/files/file_ops.h"

namespace penstock {

/// How far a queue's records are delivered.
struct Checkpoint {
  std::uint64_t sequence = 0;   ///< rises with each write
  std::uint64_t delivered = 1;  ///< the first record that is not known to be delivered
  std::uint64_t durable = 1;    ///< the first record that was not yet synced

  friend bool operator==(const Checkpoint&, const Checkpoint&) = default;
};

/// The file `checkpoint` of a queue: two slots, written in turn, so that one is whole whatever happens to the other.
/// One thread at a time.
class CheckpointFile {
 public:
  static constexpr std::size_t kSlotBytes = 40;
  static constexpr std::size_t kSlotDistance = 4096;  ///< the slots are not in one sector or page

  CheckpointFile(FileOps& files, std::string path) : files_(files), path_(std::move(path)) {}
  ~CheckpointFile();
  CheckpointFile(const CheckpointFile&) = delete;
  CheckpointFile& operator=(const CheckpointFile&) = delete;

  /// Opens the file, or makes it (`created`); last() is the newest whole slot then.
  Result<void> open(bool& created);
  /// Reads only; the file may be missing.
  Result<void> open_to_read();
  const Checkpoint& last() const noexcept { return last_; }
  bool found() const noexcept { return last_.sequence != 0; }
  /// A slot holds something that is not whole, or cannot be read: last() may be older than what was written last.
  bool damaged() const noexcept { return damaged_; }

  /// Into the slot that does not hold last(). Not synced. A failed write leaves last() as it was.
  Result<void> write(std::uint64_t delivered, std::uint64_t durable);
  Result<void> sync();

 private:
  Result<void> read();

  FileOps& files_;
  const std::string path_;
  int fd_ = -1;
  Checkpoint last_;
  bool damaged_ = false;
};

}  // namespace penstock
