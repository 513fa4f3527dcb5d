#pragma once

#include <atomic>
#include <cstdint>

#include "server/files/file_ops.h"

namespace penstock {

/// Compresses the first `size` bytes behind `from` into the empty file behind `to`, as one zstd frame of level 3 with its
/// size and a checksum, and syncs it as it goes (the last sync is short then). About 5 MiB of memory while it runs. 0 or a
/// negated errno: -ECANCELED once `stop` is set, -ENODATA where the file has become shorter.
int compress_file(FileOps& files, int from, std::int64_t size, int to,
                  const std::atomic<bool>& stop);

/// Whether the zstd file behind `packed` unpacks to exactly what is behind `plain`: 1 yes; 0 no, it is not whole or holds
/// something else; a negated errno where that could not be found out (-ECANCELED as above).
int unpacks_to(FileOps& files, int packed, int plain, const std::atomic<bool>& stop);

}  // namespace penstock
