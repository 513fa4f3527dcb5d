#pragma once

#include <memory>
#include <string>

#include "protocols/core/result.h"
#include "server/files/file_ops.h"
#include "server/sinks/encoder.h"

namespace penstock {

/// Up to where a file is known to hold whole records. Of another file, or a shorter one, it says nothing.
struct KnownEnd {
  dev_t device = 0;
  ino_t inode = 0;
  std::int64_t bytes = 0;

  static KnownEnd of(const struct stat& status) noexcept {
    return {status.st_dev, status.st_ino, status.st_size};
  }
  /// Of the file that `status` describes; 0: nothing is known of it.
  std::int64_t in(const struct stat& status) const noexcept {
    return status.st_dev == device && status.st_ino == inode && status.st_size >= bytes ? bytes : 0;
  }
};

/// What open_for_append found or made.
struct OpenedFile {
  int fd = -1;           ///< the caller closes it
  bool regular = false;  ///< false: a FIFO, a terminal, /dev/null: never cut, synced or repaired
  bool created = false;  ///< its name is not durable before sync_directory
  std::int64_t written_at = 0;  ///< last modification when it was opened, seconds since 1970
  bool repaired = false;  ///< it ended in a torn record (a crash, a full disk): see open_for_append
  std::int64_t cut_bytes = 0;  ///< of the torn record, where it was cut off
};

/// Opens `path` for appending, mode 0640 less the umask, and creates it and its directories (0750) where missing.
/// Symbolic links are followed: they are the operator's; values from peers cannot name one outside the base directory.
/// A FIFO is opened for writing only, non-blocking; one that nobody has open to read gives EPIPE, which comes of nothing
/// else here. Block devices are refused. What is created is added to
/// `created`, where one is given, also when the call fails later.
///
/// Where the file does not end in a whole record of `encoder`, it is repaired: its torn_ending() is added, so that the torn
/// record stands alone. Encodings with a RecordWalk have the file read from `known` on, as a rule from its beginning, unless
/// its last bytes show a whole record; the walk's ending is added, or the torn record cut off where it has none. A file that
/// holds something else is refused with EBADMSG: nothing of it is cut.
Result<OpenedFile> open_for_append(FileOps& files, const std::string& path, bool durable,
                                   const Encoder& encoder, const KnownEnd& known = {},
                                   CreatedPaths* created = nullptr);

}  // namespace penstock
