#pragma once

#include <cerrno>

namespace penstock {

/// Whether a read that ends with `code` (an errno) has failed because of what is on the disk, perhaps for good: what
/// stands there counts as damaged then. Other errors (no memory, no descriptors) say nothing of it.
inline bool is_unreadable(int code) noexcept {
  switch (code) {
    case EIO:
    case ENODATA:  // a medium error, as some drivers say it
    case EILSEQ:   // a checksum of the disk's does not match
    case EBADMSG:  // one of the file system's
    case EUCLEAN: return true;
    default: return false;
  }
}

}  // namespace penstock
