// What the log of a queue on disk takes: records of 200 bytes in batches of 64 KiB, appended while a sync is under way and
// committed together. Measures, asserts nothing.
//
//     build/release/tests/queue/bench_disk_log DIRECTORY [MILLION_RECORDS]
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include "server/queue/disk_log.h"

namespace {

using namespace penstock;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kRecordBytes = 200, kBatchRecords = 64 * 1024 / kRecordBytes;
constexpr std::size_t kGroupBytes = std::size_t{4} << 20;
const Origin kOrigin{"bench", "tcp://127.0.0.1:5514"};

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Batch lines() {
  Batch batch;
  batch.block = std::make_shared<Block>(kBatchRecords * (kRecordBytes + 1));
  Segment segment;
  segment.origin = &kOrigin;
  segment.lines = true;
  for (std::size_t i = 0; i < kBatchRecords; ++i) {
    std::fill_n(batch.block->data() + batch.end, kRecordBytes, static_cast<char>('a' + i % 26));
    batch.frames.push_back(FrameRef::make(batch.end, kRecordBytes, kFrameWhole));
    batch.end += kRecordBytes;
    batch.block->data()[batch.end++] = '\n';
  }
  segment.count = kBatchRecords;
  batch.segments.push_back(segment);
  return batch;
}

/// Bytes that this process has caused to be written to disks.
std::uint64_t disk_bytes() {
  std::ifstream file("/proc/self/io");
  std::string name;
  std::uint64_t value = 0;
  while (file >> name >> value)
    if (name == "write_bytes:") return value;
  return 0;
}

bool commit(DiskLog& log) {
  while (true) {
    const auto status = log.commit();
    if (status == DiskLog::CommitStatus::kDone) return true;
    std::fprintf(stderr, "%s\n", log.last_error().c_str());
    if (status == DiskLog::CommitStatus::kRewrite) return false;
  }
}

void append(DiskLog& log, const Batch& batch) {
  while (!log.append(batch)) {
    commit(log);
    if (log.roll() != DiskLog::RollStatus::kDone) {
      std::fprintf(stderr, "%s\n", log.last_error().c_str());
      std::exit(1);
    }
  }
}

void print_delays(std::vector<double>& ms) {
  std::sort(ms.begin(), ms.end());
  if (ms.empty()) return;
  std::printf("         ack p50 %.2f ms, p99 %.2f ms, most %.2f ms\n", ms[ms.size() / 2],
              ms[ms.size() * 99 / 100], ms.back());
}

/// At `rate` records a second, or as fast as it goes (0): a batch waits from when it was due until its commit returns.
double run(DiskLog& log, std::size_t records, double rate) {
  const Batch batch = lines();
  const auto begin = Clock::now();
  std::vector<double> delays;
  std::vector<double> due;  // of the batches in this group
  std::size_t sent = 0;
  while (sent < records) {
    due.clear();
    std::size_t bytes = 0;
    while (sent < records && bytes < kGroupBytes) {
      const double at = rate == 0 ? seconds_since(begin) : static_cast<double>(sent) / rate;
      if (rate != 0 && at > seconds_since(begin)) {
        if (!due.empty()) break;
        std::this_thread::sleep_for(std::chrono::duration<double>(at - seconds_since(begin)));
      }
      append(log, batch);
      due.push_back(at);
      sent += kBatchRecords;
      bytes += kBatchRecords * kRecordBytes;
    }
    commit(log);
    for (const double at : due) delays.push_back((seconds_since(begin) - at) * 1e3);
  }
  const double took = seconds_since(begin);
  std::printf("append   %.2f M records/s (%.0f MB/s)\n", static_cast<double>(sent) / took / 1e6,
              static_cast<double>(sent * kRecordBytes) / took / 1e6);
  print_delays(delays);
  return static_cast<double>(sent) / took;
}

std::unique_ptr<DiskLog> open(const std::string& directory, OriginTable& origins) {
  DiskLogOptions options;
  options.directory = directory;
  options.max_bytes = std::uint64_t{64} << 30;
  DiskLog::Recovered recovered;
  const auto begin = Clock::now();
  auto log = DiskLog::open(
      system_files(), options, origins,
      [](std::size_t bytes) { return std::make_shared<Block>(bytes); }, recovered);
  if (!log) {
    std::fprintf(stderr, "%s\n", log.error().message.c_str());
    std::exit(1);
  }
  std::printf("open     %llu records in %.3f s\n",
              static_cast<unsigned long long>(recovered.records), seconds_since(begin));
  return std::move(*log);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const std::size_t records = (argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 5) * 1'000'000;
  OriginTable origins;
  auto log = open(argv[1], origins);
  const std::uint64_t before = disk_bytes();
  const double rate = run(*log, records, 0);
  std::printf(
      "         %.3f bytes written a byte\n",
      static_cast<double>(disk_bytes() - before) / static_cast<double>(records * kRecordBytes));
  std::printf("at half of it:\n");
  run(*log, records / 2, rate / 2);
  if (!log->close()) return 1;
  log.reset();
  log = open(argv[1], origins);
  const auto begin = Clock::now();
  std::size_t read = 0;
  StoredBatch batch;
  while (log->next(batch) == DiskLog::ReadStatus::kBatch) {
    read += batch.batch.frames.size();
    log->delivered(batch.end_record());
  }
  std::printf("read     %.2f M records/s\n",
              static_cast<double>(read) / seconds_since(begin) / 1e6);
  return 0;
}
