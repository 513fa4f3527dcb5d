#include "server/sinks/archives.h"

#include <fcntl.h>

#include <cerrno>

#include "server/sinks/zstd_file.h"

namespace penstock {
namespace {

/// Closes a descriptor of FileOps.
class Opened {
 public:
  Opened(FileOps& files, const std::string& path, int flags, mode_t mode = 0)
      : files_(files), fd_(files.open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, mode)) {}
  Opened(const Opened&) = delete;
  Opened& operator=(const Opened&) = delete;
  ~Opened() {
    if (fd_ >= 0) files_.close(fd_);
  }
  int fd() const noexcept { return fd_; }  // or a negated errno

 private:
  FileOps& files_;
  int fd_;
};

bool same_content(const struct stat& a, const struct stat& b) noexcept {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

bool Archives::tidy(const std::string& directory, const std::set<std::string, std::less<>>& names) {
  std::map<std::string, OfOneFile, std::less<>> found;
  const int listed = files_.list(directory.c_str(), [&](std::string_view name) {
    const auto archive = parse_archive_name(name);
    if (!archive || names.find(archive->base) == names.end()) return !stop_.load();
    Forms& forms = found[std::string(archive->base)][archive->time_us];
    forms.plain |= archive->form == ArchiveForm::kPlain;
    forms.zstd |= archive->form == ArchiveForm::kZstd;
    forms.unfinished |= archive->form == ArchiveForm::kUnfinished;
    return !stop_.load();
  });
  if (listed == -ENOENT) return true;
  if (listed < 0) report("list", directory, listed);
  bool done = listed == 0;
  for (auto& [name, archives] : found) {
    std::string path = directory;
    if (path.back() != '/') path += '/';
    path += name;
    if (!stop_.load()) done = keep_newest(path, archives) && done;
    for (const auto& [time_us, forms] : archives) {
      if (stop_.load()) return false;
      done = put_right(directory, path, time_us, forms) && done;
    }
  }
  return done && !stop_.load();
}

// Compressed and plain count alike; takes those that are removed out of `archives`.
bool Archives::keep_newest(const std::string& path, OfOneFile& archives) {
  if (rotate_.keep == 0) return true;
  std::size_t kept = 0;
  for (const auto& [time_us, forms] : archives) kept += forms.plain || forms.zstd ? 1 : 0;
  bool done = true;
  for (auto at = archives.begin(); kept > rotate_.keep; at = archives.erase(at)) {
    const auto& [time_us, forms] = *at;
    if (!forms.plain && !forms.zstd) {
      if (forms.unfinished) remove(archive_name(path, time_us, ArchiveForm::kUnfinished));
      continue;
    }
    --kept;
    // The plain one last: as long as it is there nothing is missing.
    const bool removed =
        (!forms.unfinished || remove(archive_name(path, time_us, ArchiveForm::kUnfinished)) == 0) &&
        (!forms.zstd || remove(archive_name(path, time_us, ArchiveForm::kZstd)) == 0) &&
        (!forms.plain || remove(archive_name(path, time_us, ArchiveForm::kPlain)) == 0);
    if (removed) counts_.removed.fetch_add(1, std::memory_order_relaxed);
    done = done && removed;
  }
  return done;
}

bool Archives::put_right(const std::string& directory, const std::string& path,
                         std::int64_t time_us, const Forms& forms) {
  if (!forms.plain) {  // whole already, or never begun
    return !forms.unfinished || remove(archive_name(path, time_us, ArchiveForm::kUnfinished)) == 0;
  }
  const bool left_behind = forms.zstd || forms.unfinished;
  if (!left_behind && rotate_.compress == config::Compress::kNone) return true;
  const std::string name = archive_name(path, time_us, ArchiveForm::kPlain);
  const Opened plain(files_, name, O_RDONLY | O_NONBLOCK);
  int result = plain.fd();
  if (result == -ENOENT) return true;  // somebody was faster
  if (result >= 0) result = finish(directory, plain.fd(), path, time_us, forms);
  if (result == -ECANCELED || result == -EWOULDBLOCK) return false;
  if (result < 0) report("compress", name, result);
  return result == 0;
}

// The archive is open as `plain`. 0 when it is as it should be.
int Archives::finish(const std::string& directory, int plain, const std::string& path,
                     std::int64_t time_us, const Forms& forms) {
  struct stat status {};
  if (const int result = files_.fstat(plain, status); result < 0) return result;
  if (!S_ISREG(status.st_mode)) return 0;  // no rotation has made that
  if (files_.lock(plain) == -EWOULDBLOCK) return -EWOULDBLOCK;
  if (files_.check_unwritten(plain) == -EWOULDBLOCK) return -EWOULDBLOCK;
  if (forms.unfinished) {
    const int result = remove(archive_name(path, time_us, ArchiveForm::kUnfinished));
    if (result < 0) return result;
  }
  if (forms.zstd) {
    const std::string name = archive_name(path, time_us, ArchiveForm::kZstd);
    const Opened packed(files_, name, O_RDONLY | O_NONBLOCK);
    if (packed.fd() < 0) return packed.fd();
    const int same = unpacks_to(files_, packed.fd(), plain, stop_);
    if (same < 0) return same;
    if (same == 1) return replace(directory, plain, status, path, time_us);
    if (const int result = remove(name); result < 0) return result;
  }
  if (rotate_.compress == config::Compress::kNone) return 0;
  return compress(directory, plain, path, time_us);
}

int Archives::compress(const std::string& directory, int plain, const std::string& path,
                       std::int64_t time_us) {
  struct stat status {};
  if (const int result = files_.fstat(plain, status); result < 0) return result;
  const std::string unfinished = archive_name(path, time_us, ArchiveForm::kUnfinished);
  int result = 0;
  {
    const Opened to(files_, unfinished, O_WRONLY | O_CREAT | O_EXCL, 0600);
    if (to.fd() < 0) return to.fd();
    result = compress_file(files_, plain, status.st_size, to.fd(), stop_);
    if (result == 0) files_.copy_status(to.fd(), status);  // for readers and for `find -mtime`
  }
  if (result == 0) {
    result =
        files_.rename(unfinished.c_str(), archive_name(path, time_us, ArchiveForm::kZstd).c_str());
  }
  if (result < 0) {
    files_.unlink(unfinished.c_str());
    return result;
  }
  counts_.compressed.fetch_add(1, std::memory_order_relaxed);
  return replace(directory, plain, status, path, time_us);
}

// The `.zst` is whole: the archive goes, unless somebody has written to it since it was `was`.
int Archives::replace(const std::string& directory, int plain, const struct stat& was,
                      const std::string& path, std::int64_t time_us) {
  if (const int result = sync_directory(files_, directory); result < 0) return result;
  struct stat now {};
  if (const int result = files_.fstat(plain, now); result < 0) return result;
  if (!same_content(was, now) || files_.check_unwritten(plain) == -EWOULDBLOCK) {
    const int result = remove(archive_name(path, time_us, ArchiveForm::kZstd));
    return result < 0 ? result : -EWOULDBLOCK;
  }
  if (const int result = remove(archive_name(path, time_us, ArchiveForm::kPlain)); result < 0)
    return result;
  return sync_directory(files_, directory);
}

int Archives::remove(const std::string& name) {
  const int result = files_.unlink(name.c_str());
  if (result == 0 || result == -ENOENT) return 0;
  report("remove", name, result);
  return result;
}

void Archives::report(const char* what, const std::string& name, int code) {
  counts_.failures.fetch_add(1, std::memory_order_relaxed);
  std::uint64_t suppressed = 0;
  if (stop_.load() || !warnings_.allow(log::steady_ms(), suppressed)) return;
  log::warn("rotated file not put right yet, will try again",
            {{"sink", sink_},
             {"reason", std::string(what) + ' ' + name + ": " + errno_text(code)},
             {"suppressed", suppressed}});
}

}  // namespace penstock
