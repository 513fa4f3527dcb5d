#include "server/pipeline/created_paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

namespace penstock {

void CreatedPaths::add(const std::string& path) {
  std::error_code failed;
  const std::filesystem::path real = std::filesystem::canonical(path, failed);
  struct stat info {};
  // What cannot be found any more is gone already.
  if (failed || ::lstat(real.c_str(), &info) != 0) return;
  created_.push_back({real.string(), info.st_dev, info.st_ino});
}

void CreatedPaths::remove() noexcept {
  for (; !created_.empty(); created_.pop_back()) {
    const Created& last = created_.back();
    struct stat now {};
    if (::lstat(last.path.c_str(), &now) != 0) continue;
    if (now.st_dev != last.device || now.st_ino != last.inode) continue;
    if (S_ISDIR(now.st_mode)) {
      ::rmdir(last.path.c_str());  // the kernel refuses one that is not empty
    } else if (S_ISREG(now.st_mode) && now.st_size == 0) {
      ::unlink(last.path.c_str());
    }
  }
}

}  // namespace penstock
