#include "server/sinks/archive_keeper.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>

#include "server/pipeline/signals_blocked.h"
#include "server/sinks/archive_tree.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kStopPatience{500};
constexpr int kNicest = 19;
constexpr int kIoClassShift = 13, kIoClassIdle = 3, kIoWhoProcess = 1;  // ioprio_set(2)

// What is refused is left as it is: it only makes us less polite.
void lower_this_thread() {
  pthread_setname_np(pthread_self(), "archives");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNicest);
  ::syscall(SYS_ioprio_set, kIoWhoProcess, 0, kIoClassIdle << kIoClassShift);
}

std::string name_in(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void merge(NamesByDirectory& into, const NamesByDirectory& from) {
  for (const auto& [directory, names] : from) into[directory].insert(names.begin(), names.end());
}

}  // namespace

/// What the thread and the keeper share; the thread may outlive the keeper.
struct ArchiveKeeper::Work {
  Work(const config::Sink& sink, FileOps& file_ops, std::chrono::milliseconds retry_after)
      : files(file_ops),
        path_template(sink.path),
        retry(retry_after),
        archives(sink.name, sink.rotate, file_ops, stop, counts) {}

  void run();
  std::pair<NamesByDirectory, bool> next();
  NamesByDirectory tidy(const NamesByDirectory& wanted);

  FileOps& files;
  const std::string path_template;
  const std::chrono::milliseconds retry;
  std::atomic<bool> stop{false};
  ArchiveCounts counts;
  Archives archives;  // the thread's
  std::thread thread;

  std::mutex mutex;  // of what follows; held for moments only
  std::condition_variable changed;
  NamesByDirectory wanted, failed;
  std::chrono::steady_clock::time_point retry_at;  // of what has failed
  bool all = false, ended = false;
};

void ArchiveKeeper::Work::run() {
  lower_this_thread();
  while (!stop.load()) {
    auto [asked, all_of_them] = next();
    if (all_of_them) merge(asked, find_archived(files, path_template, stop));
    const NamesByDirectory left = tidy(asked);
    const std::lock_guard lock(mutex);
    if (failed.empty()) retry_at = std::chrono::steady_clock::now() + retry;
    merge(failed, left);
  }
  const std::lock_guard lock(mutex);
  ended = true;
  changed.notify_all();
}

// Waits for something to do; what has failed is asked for again after a while.
std::pair<NamesByDirectory, bool> ArchiveKeeper::Work::next() {
  std::unique_lock lock(mutex);
  const auto asked = [this] { return stop.load() || all || !wanted.empty(); };
  if (failed.empty()) {
    changed.wait(lock, asked);
  } else {
    changed.wait_until(lock, retry_at, asked);
    if (std::chrono::steady_clock::now() >= retry_at) merge(wanted, std::exchange(failed, {}));
  }
  return {std::exchange(wanted, {}), std::exchange(all, false)};
}

NamesByDirectory ArchiveKeeper::Work::tidy(const NamesByDirectory& asked) {
  NamesByDirectory left;
  for (const auto& [directory, names] : asked) {
    if (!stop.load() && !archives.tidy(directory, names)) left[directory] = names;
  }
  return left;
}

ArchiveKeeper::ArchiveKeeper(const config::Sink& sink, FileOps& files,
                             std::chrono::milliseconds retry)
    : work_(std::make_shared<Work>(sink, files, retry)) {
  const SignalsBlocked blocked;
  work_->thread = std::thread([work = work_] { work->run(); });
}

ArchiveKeeper::~ArchiveKeeper() { stop(); }

void ArchiveKeeper::tidy(const std::string& path) {
  const std::lock_guard lock(work_->mutex);
  work_->wanted[parent_directory(path)].insert(name_in(path));
  work_->changed.notify_all();
}

void ArchiveKeeper::tidy_all() {
  const std::lock_guard lock(work_->mutex);
  work_->all = true;
  work_->changed.notify_all();
}

void ArchiveKeeper::stop() noexcept {
  if (!work_->thread.joinable()) return;
  std::unique_lock lock(work_->mutex);
  work_->stop = true;
  work_->changed.notify_all();
  const bool ended = work_->changed.wait_for(lock, kStopPatience, [this] { return work_->ended; });
  lock.unlock();
  ended ? work_->thread.join() : work_->thread.detach();
}

const ArchiveCounts& ArchiveKeeper::counts() const noexcept { return work_->counts; }

}  // namespace penstock
