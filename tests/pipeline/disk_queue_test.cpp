#include "server/pipeline/disk_queue.h"

#include <catch2/catch.hpp>
#include <deque>
#include <map>
#include <thread>

#include "server/pipeline/sink_queue.h"
#include "server/pipeline/sink_runner.h"
#include "tests/pipeline/fakes.h"
#include "tests/support/files.h"
#include "tests/support/passed_files.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::FakeSink;

namespace {

const auto kNever = std::chrono::steady_clock::time_point::max();

/// The real file system, whose syncs and writes of records fail while the test wants it.
class FailingFiles final : public test::PassedFiles {
 public:
  std::int64_t pwrite(int fd, const char* data, std::size_t size,
                      std::int64_t offset) noexcept override {
    // Not a segment's header, nor the checkpoint.
    const bool of_records = offset != 0 && size > CheckpointFile::kSlotBytes;
    if (failing_writes && of_records) return -ENOSPC;
    if (of_records && before_records) std::exchange(before_records, nullptr)();
    return PassedFiles::pwrite(fd, data, size, offset);
  }
  int fdatasync(int fd) noexcept override {
    if (failing_syncs > 0) return --failing_syncs, -EIO;
    return PassedFiles::fdatasync(fd);
  }
  std::function<void()> before_records;  // the next that are written
  std::atomic<bool> failing_writes{false};
  std::atomic<int> failing_syncs{0};
};

struct Outcomes final : CompletionHandler {
  void on_batch_complete(BatchId id, Outcome worst) override {
    const std::lock_guard lock(mutex);
    seen[id] = worst;
    changed.notify_all();
  }
  void await(std::size_t count) {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return seen.size() >= count; });
  }
  std::mutex mutex;
  std::condition_variable changed;
  std::map<BatchId, Outcome> seen;
};

/// A queue in memory, the queue on disk between its two runners, and a fake sink behind them.
struct Line {
  explicit Line(const std::string& directory, FileOps& files = system_files(),
                DiskFull when_full = DiskFull::kBlock, QueueSync sync = QueueSync::kBatch)
      : leftover(directory + "/quarantine", files) {
    DiskQueue::Options options;
    options.sink = "out";
    options.log.directory = directory + "/queue";
    options.log.max_bytes = 1 << 20;
    options.log.segment_bytes = 256 << 10;
    options.log.sync = sync;
    options.sync_interval = 50ms;
    options.when_full = when_full;
    quarantine = std::move(Quarantine::open(directory + "/quarantine", 1 << 20).value());
    disk = std::make_unique<DiskQueue>(options, files, pool,
                                       [this](std::string_view) -> RouteLedger& { return route; });
    auto owned = std::make_unique<FakeSink>();
    sink = owned.get();
    intake = std::make_unique<SinkRunner>("out", disk->writer(), memory, *quarantine, leftover,
                                          SinkRunner::Role::kKeeps);
    delivery = std::make_unique<SinkRunner>("out", std::move(owned), disk->reader(), *quarantine,
                                            leftover);
    disk->on_room([this] { intake->retry_soon(); });
    REQUIRE(intake->open());
    REQUIRE(delivery->open());
  }
  void start() {
    intake->start();
    delivery->start();
  }
  void push(BatchId id, std::size_t bytes = 10) {
    Batch batch;
    batch.id = id;
    batch.block = pool.take(bytes);
    const std::string record = std::to_string(id) + std::string(bytes, '.');
    record.copy(batch.block->data(), bytes);
    batch.frames.push_back(FrameRef::make(0, bytes, kFrameWhole));
    batch.end = bytes;
    Segment segment;
    segment.origin = &test::kOrigin;
    segment.count = 1;
    batch.segments.push_back(segment);
    batch.charged_bytes = bytes;
    ++route.events;
    ++route.queued;
    memory.push({std::make_shared<SealedBatch>(std::move(batch), 1, outcomes), &route, true},
                false);
  }
  void finish() {
    intake->finish();
    REQUIRE(intake->join_until(kNever));
    delivery->finish();
    REQUIRE(delivery->join_until(kNever));
    REQUIRE(disk->close());
  }
  std::uint64_t lost(RouteLoss loss) const { return route.lost[static_cast<std::size_t>(loss)]; }

  BlockPool pool;
  RouteLedger route{"test", "out"};
  std::shared_ptr<Outcomes> outcomes = std::make_shared<Outcomes>();
  SinkQueue memory{std::size_t{8} << 20, [] {}};
  std::unique_ptr<Quarantine> quarantine;
  Leftover leftover;
  std::unique_ptr<DiskQueue> disk;
  FakeSink* sink = nullptr;
  std::unique_ptr<SinkRunner> intake, delivery;
};

std::vector<BatchId> ids(const std::vector<std::string>& records) {
  std::vector<BatchId> all;
  for (const std::string& record : records) all.push_back(std::stoull(record));
  return all;
}

}  // namespace

TEST_CASE("disk queue: everything is kept, acknowledged and delivered in order", "[disk_queue]") {
  const test::TempDir dir;
  Line line(dir.path());
  line.start();
  for (BatchId id = 1; id <= 500; ++id) line.push(id);
  line.finish();
  CHECK(line.outcomes->seen.size() == 500);
  CHECK(line.route.delivered == 500);
  CHECK(line.route.queued == 0);
  const std::vector<BatchId> got = ids(line.sink->delivered);
  REQUIRE(got.size() == 500);
  CHECK(std::is_sorted(got.begin(), got.end()));
}

TEST_CASE("disk queue: acknowledged before the sink has it; the next start delivers it",
          "[disk_queue]") {
  const test::TempDir dir;
  {
    Line line(dir.path());
    line.sink->on_write = [](const Batch&) { return WriteStatus::kRetry; };
    line.start();
    for (BatchId id = 1; id <= 20; ++id) line.push(id);
    line.outcomes->await(20);
    line.intake->finish();
    REQUIRE(line.intake->join_until(kNever));
    line.delivery->divert();
    line.finish();
    CHECK(line.route.queued == 20);
    CHECK(line.disk->status().records == 20);
    CHECK(line.leftover.kept().empty());
  }
  Line again(dir.path());
  again.start();
  again.push(21);
  again.finish();
  CHECK(again.route.recovered == 20);
  CHECK(again.route.delivered == 21);
  CHECK(ids(again.sink->delivered).size() == 21);
}

TEST_CASE("disk queue: failed writes and syncs are tried again, and nothing comes twice",
          "[disk_queue]") {
  const test::TempDir dir;
  FailingFiles files;
  Line line(dir.path(), files);
  files.failing_writes = true;
  line.start();
  for (BatchId id = 1; id <= 50; ++id) line.push(id);
  while (!line.intake->failing()) std::this_thread::yield();
  CHECK(line.outcomes->seen.empty());
  files.failing_syncs = 2;
  files.failing_writes = false;
  line.intake->retry_soon();
  line.outcomes->await(50);
  for (BatchId id = 51; id <= 60; ++id) line.push(id);
  line.finish();
  CHECK(line.route.delivered == 60);
  const std::vector<BatchId> got = ids(line.sink->delivered);
  REQUIRE(got.size() == 60);
  CHECK(std::is_sorted(got.begin(), got.end()));
  CHECK(line.disk->status().damaged_records == 0);
}

TEST_CASE("disk queue: synced now and then, a disk that fails for a while loses nothing either",
          "[disk_queue]") {
  const test::TempDir dir;
  FailingFiles files;
  const bool syncs_fail = GENERATE(true, false);
  Line line(dir.path(), files, DiskFull::kBlock, QueueSync::kInterval);
  line.start();
  for (BatchId id = 1; id <= 20; ++id) line.push(id);
  line.outcomes->await(20);
  files.failing_writes = true;
  files.failing_syncs = syncs_fail ? 3 : 0;
  for (BatchId id = 21; id <= 40; ++id) line.push(id);
  while (!line.intake->failing() || files.failing_syncs > 0) line.intake->retry_soon();
  const std::uint64_t syncs = line.disk->status().syncs;
  while (!syncs_fail && line.disk->status().syncs == syncs) line.intake->retry_soon();
  files.failing_writes = false;
  line.intake->retry_soon();
  line.outcomes->await(40);
  line.finish();
  const std::vector<BatchId> got = ids(line.sink->delivered);
  CHECK(got.size() == 40);
  CHECK(std::is_sorted(got.begin(), got.end()));
  CHECK(line.route.delivered == 40);
  CHECK(line.disk->status().damaged_records == 0);
}

TEST_CASE("disk queue: what is delivered in any order is removed when all before it is",
          "[disk_queue]") {
  const test::TempDir dir;
  Line line(dir.path());
  line.intake->start();
  for (BatchId id = 1; id <= 30; ++id) line.push(id);
  line.outcomes->await(30);
  BatchSource& reader = line.disk->reader();
  const auto first = reader.pop(0ms);
  REQUIRE(first);
  while (const auto entry = reader.pop(0ms))
    reader.done(*entry);  // each lies where another one lay
  CHECK(line.disk->status().records == 30);
  reader.done(*first);
  CHECK(line.disk->status().records == 0);
  line.finish();
}

TEST_CASE("disk queue: what was written although its runner was given up on is kept, once",
          "[disk_queue]") {
  const test::TempDir dir;
  FailingFiles files;
  Line line(dir.path(), files);
  for (BatchId id = 1; id <= 3; ++id) line.push(id);
  files.failing_writes = true;
  line.start();
  while (!line.intake->failing()) std::this_thread::yield();
  files.before_records = [&] { line.intake->divert(); };  // all three of them
  files.failing_writes = false;
  line.intake->retry_soon();
  line.finish();
  CHECK(line.outcomes->seen == std::map<BatchId, Outcome>{{1, Outcome::kDelivered},
                                                          {2, Outcome::kDelivered},
                                                          {3, Outcome::kDelivered}});
  CHECK(ids(line.sink->delivered) == std::vector<BatchId>{1, 2, 3});
  CHECK(line.route.delivered == 3);
  CHECK(line.route.queued == 0);
  CHECK(line.leftover.kept().empty());
}

TEST_CASE("disk queue: what is full drops the newest or the oldest, and counts it",
          "[disk_queue]") {
  const bool oldest = GENERATE(true, false);
  const test::TempDir dir;
  Line line(dir.path(), system_files(), oldest ? DiskFull::kDropOldest : DiskFull::kDropNewest);
  std::atomic<bool> shut{true};
  line.sink->on_write = [&](const Batch&) {
    return shut ? WriteStatus::kRetry : WriteStatus::kDelivered;
  };
  line.start();
  for (BatchId id = 1; id <= 100; ++id) line.push(id, 30'000);  // 3 MB into 1 MiB
  line.outcomes->await(100);
  shut = false;
  line.delivery->retry_soon();
  line.finish();
  const std::uint64_t lost = line.lost(oldest ? RouteLoss::kDropOldest : RouteLoss::kQueueFull);
  CHECK(lost > 50);
  CHECK(line.route.delivered + lost == 100);
  CHECK(line.route.queued == 0);
  const std::vector<BatchId> got = ids(line.sink->delivered);
  CHECK(got.size() == line.route.delivered);
  CHECK((oldest ? got.back() == 100 : got.front() == 1));
}

TEST_CASE(
    "disk queue: what is in flight while its file makes way is counted when it is not delivered",
    "[disk_queue]") {
  const test::TempDir dir;
  std::uint64_t left = 0;
  {
    Line line(dir.path(), system_files(), DiskFull::kDropOldest);
    line.intake->start();
    for (BatchId id = 1; id <= 20; ++id) line.push(id, 30'000);
    line.outcomes->await(20);
    BatchSource& reader = line.disk->reader();
    std::vector<QueueEntry> in_flight;  // of the first segment all, of the second some
    for (int i = 0; i < 12; ++i) in_flight.push_back(reader.pop(0ms).value());
    for (BatchId id = 21; id <= 40; ++id) line.push(id, 30'000);  // the first segment makes way
    line.outcomes->await(40);
    REQUIRE(line.disk->status().records < 40);
    for (const QueueEntry& entry : in_flight) CHECK(reader.keep(entry));
    line.finish();
    left = line.disk->status().records;
    CHECK(line.route.queued == left);
    CHECK(line.lost(RouteLoss::kDropOldest) == 40 - left);
  }
  Line again(dir.path());
  again.start();
  again.finish();
  CHECK(again.route.recovered == left);
  CHECK(again.route.delivered == left);
  CHECK(again.disk->status().damaged_records == 0);
}

TEST_CASE("disk queue: a start that fails leaves no directory behind", "[disk_queue]") {
  const test::TempDir dir;
  {
    Line line(dir.path());
    line.intake->undo_open();
  }
  CHECK_FALSE(test::exists(dir / "queue"));
}
