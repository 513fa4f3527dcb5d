#pragma once

#include <string>

#include "protocols/core/result.h"
#include "server/sinks/file_ops.h"

namespace penstock {

/// What open_for_append found or made.
struct OpenedFile {
  int fd = -1;           ///< the caller closes it
  bool regular = false;  ///< false: a FIFO, a terminal, /dev/null: never cut, synced or repaired
  bool created = false;  ///< its name is not durable before sync_directory
  std::int64_t written_at = 0;  ///< last modification when it was opened, seconds since 1970
  bool repaired =
      false;  ///< it did not end in a LF (a crash, a full disk): one was added, so that the torn record stands alone
};

/// Opens `path` for appending, mode 0640 less the umask, and creates it and its directories (0750) where missing.
/// Symbolic links are followed: they are the operator's; values from peers cannot name one outside the base directory.
/// A FIFO is opened for writing only, non-blocking; one that nobody has open to read gives EPIPE, which comes of nothing
/// else here. Block devices are refused. What is created is added to
/// `created`, where one is given, also when the call fails later.
Result<OpenedFile> open_for_append(FileOps& files, const std::string& path, bool durable,
                                   CreatedPaths* created = nullptr);

}  // namespace penstock
