#pragma once

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/files/file_ops.h"

namespace penstock::test {

/// A disk in memory with what a real one does at its worst: what was not synced is lost at a power cut or is not, sector
/// by sector; names that were made, moved or removed since the last sync of their directory are, one by one; and after a
/// failed sync the kernel takes the pages for clean.
class SimulatedFiles final : public FileOps {
 public:
  static constexpr std::size_t kSectorBytes = 512;
  static constexpr std::size_t kPageBytes =
      4096;  // of the kernel's memory: read whole or not at all

  enum class Call { kOpen, kWrite, kSync, kRename, kUnlink, kCut, kReserve, kRead, kDirectorySync };

  /// Asked before each call that can fail: a negated errno, or 0. For kWrite -1 stands for a short write.
  std::function<int(Call)> fault;
  /// After so many more calls the machine stands still until the power is cut: every call fails and does nothing.
  unsigned calls_left = UINT_MAX;
  std::int64_t clock_ns = 1;

  /// All descriptors are gone, and what `random` says of what was not synced.
  void cut_power(std::mt19937& random) {
    open_.clear();
    const auto cached = std::exchange(names_, stable_names_);
    for (const auto& [name, inode] : cached) keep(random, name, inode);
    for (const auto& [name, inode] : stable_names_) {
      const bool removed =
          std::none_of(cached.begin(), cached.end(),
                       [&inode = inode](const auto& entry) { return entry.second == inode; });
      if (removed && random() % 2 == 0) names_.erase(name);
    }
    for (auto& [name, inode] : names_) tear(*inode, random);
    stable_names_ = names_;
    locked_.clear();
    calls_left = UINT_MAX;
  }
  /// All descriptors are gone, nothing else.
  void kill() {
    open_.clear();
    locked_.clear();
    calls_left = UINT_MAX;
  }

  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& [name, inode] : names_) all.push_back(name);
    return all;
  }
  std::string& content(const std::string& name) { return names_.at(name)->cached; }
  /// The page with this byte cannot be read any more, until it is written.
  void make_unreadable(const std::string& name, std::size_t offset) {
    names_.at(name)->unreadable.insert(offset / kPageBytes);
  }
  void make_readable(const std::string& name) { names_.at(name)->unreadable.clear(); }
  void remove(const std::string& name) { names_.erase(name); }
  std::size_t open_now() const { return open_.size(); }

  int open(const char* path, int flags, mode_t) noexcept override {
    if (const int error = ask(Call::kOpen)) return error;
    if ((flags & O_DIRECTORY) != 0) return add({nullptr, true});
    auto found = names_.find(path);
    if (found != names_.end() && (flags & O_EXCL) != 0) return -EEXIST;
    if (found == names_.end()) {
      if ((flags & O_CREAT) == 0) return -ENOENT;
      found = names_.emplace(path, std::make_shared<Inode>()).first;
    }
    return add({found->second, false});
  }
  int close(int fd) noexcept override {
    if (const auto found = open_.find(fd); found != open_.end()) locked_.erase(found->second.inode);
    return open_.erase(fd) == 1 ? 0 : -EBADF;
  }
  std::int64_t write(int, const char*, std::size_t) noexcept override { return -ENOSYS; }
  std::int64_t pwrite(int fd, const char* data, std::size_t size,
                      std::int64_t offset) noexcept override {
    const int error = ask(Call::kWrite);
    if (error < -1) return error;
    if (error == -1) size = (size + 1) / 2;
    Inode& inode = *open_.at(fd).inode;
    const auto at = static_cast<std::size_t>(offset);
    for (std::size_t page = at / kPageBytes; page * kPageBytes < at + size; ++page)
      inode.unreadable.erase(page);
    if (inode.cached.size() < at + size) inode.cached.resize(at + size);
    inode.cached.replace(at, size, data, size);
    for (std::size_t sector = at / kSectorBytes; sector * kSectorBytes < at + size; ++sector)
      inode.dirty.insert(sector);
    return static_cast<std::int64_t>(size);
  }
  std::int64_t pread(int fd, char* data, std::size_t size, std::int64_t offset) noexcept override {
    if (const int error = ask(Call::kRead)) return error;
    const std::string& bytes = open_.at(fd).inode->cached;
    const auto at = static_cast<std::size_t>(offset);
    if (at >= bytes.size()) return 0;
    const auto& unreadable = open_.at(fd).inode->unreadable;
    const auto first = unreadable.lower_bound(at / kPageBytes);
    if (first != unreadable.end() && *first * kPageBytes < std::min(at + size, bytes.size()))
      return -EIO;
    return static_cast<std::int64_t>(bytes.copy(data, size, at));
  }
  int reserve(int fd, std::int64_t size) noexcept override {
    if (const int error = ask(Call::kReserve)) return error;
    Inode& inode = *open_.at(fd).inode;
    inode.cached.resize(std::max(inode.cached.size(), static_cast<std::size_t>(size)));
    return 0;
  }
  int fstat(int fd, struct stat& status) noexcept override {
    status = {};
    status.st_mode = open_.at(fd).directory ? S_IFDIR : S_IFREG;
    if (open_.at(fd).inode) status.st_size = static_cast<off_t>(open_.at(fd).inode->cached.size());
    return 0;
  }
  int stat(const char*, struct stat&) noexcept override { return -ENOSYS; }
  int ftruncate(int fd, std::int64_t size) noexcept override {
    if (const int error = ask(Call::kCut)) return error;
    open_.at(fd).inode->cached.resize(static_cast<std::size_t>(size));
    return 0;
  }
  int fdatasync(int fd) noexcept override {
    Inode& inode = *open_.at(fd).inode;
    const int error = ask(Call::kSync);
    if (error == 0) {
      inode.stable.resize(inode.cached.size());
      for (const std::size_t sector : inode.dirty) copy_sector(inode, sector);
    }
    if (calls_left != 0)
      inode.dirty.clear();  // after a failure as well: nobody will write those pages again
    return error;
  }
  int fsync(int) noexcept override {
    if (const int error = ask(Call::kDirectorySync)) return error;
    stable_names_ = names_;
    return 0;
  }
  int mkdir(const char*, mode_t) noexcept override { return -EEXIST; }
  int access(const char*, int) noexcept override { return 0; }
  int unread(int) noexcept override { return 0; }
  std::int64_t now_ns() noexcept override { return clock_ns; }
  int rename(const char* from, const char* to) noexcept override {
    if (const int error = ask(Call::kRename)) return error;
    const auto found = names_.find(from);
    if (found == names_.end()) return -ENOENT;
    if (names_.contains(to)) return -EEXIST;
    names_[to] = found->second;
    names_.erase(from);
    return 0;
  }
  int unlink(const char* path) noexcept override {
    if (const int error = ask(Call::kUnlink)) return error;
    return names_.erase(path) == 1 ? 0 : -ENOENT;
  }
  int list(const char* path, const std::function<bool(std::string_view)>& each) override {
    const std::string prefix = std::string(path) + "/";
    for (const auto& [name, inode] : names_) {
      if (name.starts_with(prefix) && !each(std::string_view(name).substr(prefix.size()))) break;
    }
    return 0;
  }
  int real_path(const char* path, std::string& real) override {
    real = path;
    return 0;
  }
  int lock(int fd) noexcept override {
    return locked_.insert(open_.at(fd).inode).second ? 0 : -EWOULDBLOCK;
  }
  int check_unwritten(int) noexcept override { return 0; }
  int copy_status(int, const struct stat&) noexcept override { return 0; }

 private:
  struct Inode {
    std::string cached, stable;
    std::set<std::size_t> dirty;       // sectors
    std::set<std::size_t> unreadable;  // pages
  };
  struct Descriptor {
    std::shared_ptr<Inode> inode;
    bool directory = false;
  };

  int ask(Call call) {
    if (calls_left == 0) return -EIO;
    if (calls_left != UINT_MAX) --calls_left;
    return fault ? fault(call) : 0;
  }
  int add(Descriptor descriptor) {
    open_[++last_fd_] = std::move(descriptor);
    return last_fd_;
  }
  static void copy_sector(Inode& inode, std::size_t sector) {
    const std::size_t at = sector * kSectorBytes;
    if (at >= inode.cached.size()) return;
    const std::size_t size = std::min(kSectorBytes, inode.cached.size() - at);
    if (inode.stable.size() < at + size) inode.stable.resize(at + size);
    inode.stable.replace(at, size, inode.cached, at, size);
  }
  /// A name that is not on the disk yet, or is for another file.
  void keep(std::mt19937& random, const std::string& name, const std::shared_ptr<Inode>& inode) {
    const auto stable = stable_names_.find(name);
    if (stable != stable_names_.end() && stable->second == inode) return;
    if (random() % 2 != 0) return;
    for (auto it = names_.begin();
         it != names_.end();)  // a file has one name: the move has happened
      it = it->second == inode ? names_.erase(it) : std::next(it);
    names_[name] = inode;
  }
  static void tear(Inode& inode, std::mt19937& random) {
    for (const std::size_t sector : inode.dirty) {
      if (random() % 2 == 0) copy_sector(inode, sector);
    }
    if (random() % 2 == 0 && inode.cached.size() > inode.stable.size())
      inode.stable.resize(inode.cached.size());
    inode.cached = inode.stable;
    inode.dirty.clear();
  }

  std::map<std::string, std::shared_ptr<Inode>> names_, stable_names_;
  std::map<int, Descriptor> open_;
  std::set<std::shared_ptr<Inode>> locked_;
  int last_fd_ = 100;
};

}  // namespace penstock::test
