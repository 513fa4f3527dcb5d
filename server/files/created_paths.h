#pragma once

#include <fcntl.h>
#include <sys/types.h>

#include <cerrno>
#include <string>
#include <vector>

#include "protocols/core/result.h"

namespace penstock {

/// The files and directories that a start has created, so that they can be taken back when the start fails later. Holds
/// paths and inodes, no descriptors. Not thread-safe.
class CreatedPaths {
 public:
  /// Call right after creating `path` (a file or directory; symbolic links in it are followed here and now).
  void add(const std::string& path);

  /// Removes what was created, newest first: files that are still empty, directories with nothing in them, and either
  /// only where the path still leads to what was created. What others have put there stays, and so do the directories
  /// above it. Files may still be open. Afterwards nothing is remembered.
  void remove() noexcept;

 private:
  struct Created {
    std::string path;  // absolute, without symbolic links
    dev_t device;
    ino_t inode;
  };
  std::vector<Created> created_;
};

/// Makes the directory `path` and its missing parents, 0750 less the umask. Those made are added to `created`, where one is
/// given, also when it fails later.
Result<bool> make_directories(const std::string& path, CreatedPaths* created = nullptr);

/// Opens a file, made where it is missing, and tells whether this call has made it. `open(flags)` opens it with
/// `flags` (O_CREAT and O_EXCL, or none) and gives the descriptor or a negated errno, as this does.
template <class Open>
int open_or_create(Open&& open, bool& created) {
  created = false;
  int fd = open(0);
  if (fd != -ENOENT) return fd;
  fd = open(O_CREAT | O_EXCL);
  created = fd >= 0;
  if (fd != -EEXIST) return fd;
  // Somebody else has made it just now, or it is a symbolic link to where nothing is: O_EXCL follows none.
  fd = open(0);
  if (fd != -ENOENT) return fd;
  fd = open(O_CREAT);
  created = fd >= 0;
  return fd;
}

}  // namespace penstock
