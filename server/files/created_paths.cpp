#include "server/files/created_paths.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "protocols/core/errno_text.h"

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

Result<bool> make_directories(const std::string& path, CreatedPaths* created) {
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const bool made = ::mkdir(part.c_str(), 0750) == 0;
    if (!made && errno != EEXIST)
      return fail(errno, "create directory " + part + ": " + errno_text(errno));
    if (made && created != nullptr) created->add(part);
    if (slash == std::string::npos) return true;
  }
}

}  // namespace penstock
