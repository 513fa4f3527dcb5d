#include "server/pipeline/quarantine.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "server/pipeline/quarantine_file.h"

namespace penstock {
namespace {

constexpr std::size_t kWaitingBytes = std::size_t{1} << 20;
/// The longest that put() waits for room; a disk that takes nothing for so long is not waited for again.
constexpr std::chrono::seconds kLongestWait{2};

// What an entry holds in memory, more or less.
std::size_t cost(const QuarantineEntry& entry) noexcept {
  return sizeof entry + entry.listener.size() + entry.url.size() + entry.peer.size() +
         entry.reason.size() + entry.sink.size() + entry.detail.size() + entry.bytes.size();
}

}  // namespace

struct Quarantine::Impl {
  Impl(const std::string& directory, std::size_t max_bytes) : file(directory, max_bytes) {}

  void enqueue(QuarantineEntry entry, WhenFull when_full);
  bool take(std::vector<QuarantineEntry>& entries);
  void run();

  QuarantineFile file;  // the thread's own, its counters apart
  QuarantineTally tally;
  CreatedPaths created;                   // by open(); main thread
  std::atomic<std::uint64_t> dropped{0};  // before they reached `file`

  std::mutex mutex;  // guards what follows
  std::condition_variable wake;
  std::condition_variable room;
  WhenFull least_patience = WhenFull::kDrop;  // of every put()
  bool stalled = false;  // there was none in kLongestWait: nobody waits until there is again
  std::vector<QuarantineEntry> waiting;
  std::size_t waiting_bytes = 0;  // those being written included
  bool closing = false;

  std::mutex close_mutex;  // one close() at a time
  std::thread thread;
};

void Quarantine::Impl::enqueue(QuarantineEntry entry, WhenFull when_full) {
  const std::size_t bytes = cost(entry);
  {
    std::unique_lock lock(mutex);
    const auto fits = [&] { return waiting_bytes == 0 || waiting_bytes + bytes <= kWaitingBytes; };
    const bool patient = std::max(when_full, least_patience) == WhenFull::kWait;
    if (patient && !stalled && !closing) stalled = !room.wait_for(lock, kLongestWait, fits);
    if (closing || !fits()) {
      dropped.fetch_add(1, std::memory_order_relaxed);
      return;
    }
    waiting_bytes += bytes;
    waiting.push_back(std::move(entry));
  }
  wake.notify_one();
}

// Waits for entries; false when there are none left and will be none.
bool Quarantine::Impl::take(std::vector<QuarantineEntry>& entries) {
  std::unique_lock lock(mutex);
  wake.wait(lock, [&] { return closing || !waiting.empty(); });
  entries.swap(waiting);
  return !entries.empty();
}

void Quarantine::Impl::run() {
  std::vector<QuarantineEntry> entries;
  while (take(entries)) {
    std::size_t bytes = 0;
    for (const QuarantineEntry& entry : entries) bytes += cost(entry);
    file.write(entries, dropped.load(std::memory_order_relaxed));
    entries.clear();
    const std::lock_guard lock(mutex);
    waiting_bytes -= bytes;
    stalled = false;
    room.notify_all();
  }
  file.sync();
}

Quarantine::Quarantine(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Quarantine::~Quarantine() { close(); }

Result<std::unique_ptr<Quarantine>> Quarantine::open(const std::string& directory,
                                                     std::size_t max_bytes) {
  auto impl = std::make_unique<Impl>(directory, max_bytes);
  if (const Result<bool> opened = impl->file.open(&impl->created); !opened) {
    impl->created.remove();
    return tl::unexpected(opened.error());
  }
  try {
    impl->thread = std::thread([raw = impl.get()] { raw->run(); });
  } catch (const std::system_error&) {  // no more threads: App says so
    impl->created.remove();
    throw;
  }
  return std::unique_ptr<Quarantine>(new Quarantine(std::move(impl)));
}

void Quarantine::undo_open() noexcept {
  close();
  impl_->created.remove();
}

void Quarantine::put(QuarantineEntry entry, WhenFull when_full) {
  impl_->tally.add(entry);
  impl_->enqueue(std::move(entry), when_full);
}

void Quarantine::wait_for_room() {
  const std::lock_guard lock(impl_->mutex);
  impl_->least_patience = WhenFull::kWait;
}

void Quarantine::lift_cap() noexcept { impl_->file.lift_cap(); }

void Quarantine::close() {
  const std::lock_guard only_one(impl_->close_mutex);
  if (!impl_->thread.joinable()) return;
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->closing = true;
  }
  impl_->wake.notify_one();
  impl_->thread.join();
}

std::uint64_t Quarantine::written() const noexcept { return impl_->file.written(); }
const QuarantineTally& Quarantine::tally() const noexcept { return impl_->tally; }
std::uint64_t Quarantine::dropped() const noexcept {
  return impl_->file.dropped() + impl_->dropped.load(std::memory_order_relaxed);
}

}  // namespace penstock
