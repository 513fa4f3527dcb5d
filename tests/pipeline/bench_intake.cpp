// What a record costs between the read and the sink: lines of 200 bytes through Intake and SinkRunner into a sink that
// takes everything, beside a bare memchr loop over the same bytes in blocks of the same size. Both copy each read's
// bytes in, as recv does. Two shapes: 8 reads of 128 KiB a loop turn (a fast stream), and turns of 8 records (packets,
// many slow connections), in which wake-ups of the sink would show. Not a test:
// `bench_intake [MILLION_RECORDS [bare|intake]]`; under callgrind with one of them.

#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

#include "server/pipeline/sink_runner.h"
#include "tests/pipeline/fakes.h"
#include "tests/pipeline/queued_runner.h"
#include "tests/support/temp_dir.h"

using namespace penstock;

namespace {

constexpr std::size_t kRecordBytes = 200;

struct Turns {
  const char* name;
  std::size_t read_bytes, reads_per_turn;
};
constexpr Turns kShapes[] = {{"fast stream", std::size_t{128} << 10, 8},
                             {"8 records a turn", 8 * kRecordBytes, 1}};

double seconds(clockid_t clock) {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::string input() {
  std::string bytes;
  while (bytes.size() < std::size_t{4} << 20) bytes += std::string(kRecordBytes - 1, 'x') + '\n';
  return bytes;
}

struct Cost {
  double cpu = 0, loop_cpu = 0, wall = 0;
};

template <class Body>
Cost measure(Body&& body) {
  const Cost begin{seconds(CLOCK_PROCESS_CPUTIME_ID), seconds(CLOCK_THREAD_CPUTIME_ID),
                   seconds(CLOCK_MONOTONIC)};
  body();
  return {seconds(CLOCK_PROCESS_CPUTIME_ID) - begin.cpu,
          seconds(CLOCK_THREAD_CPUTIME_ID) - begin.loop_cpu, seconds(CLOCK_MONOTONIC) - begin.wall};
}

void print(const char* what, const Cost& cost, std::size_t records) {
  const double scale = 1e9 / static_cast<double>(records);
  std::printf("%-8s %6.2f ns CPU a record (reading thread %6.2f), %6.2f ns wall\n", what,
              cost.cpu * scale, cost.loop_cpu * scale, cost.wall * scale);
}

std::string_view piece(const std::string& bytes, const Turns& shape, std::size_t read) {
  return {bytes.data() + read % (bytes.size() / shape.read_bytes) * shape.read_bytes,
          shape.read_bytes};
}

std::size_t found = 0;  // keeps the compiler from dropping the loops

/// The floor: bytes into a 1 MiB block, memchr to each LF, next block when it is full.
void bare(const std::string& bytes, const Turns& shape, std::size_t reads) {
  BlockPool pool;
  auto block = pool.take(BlockPool::kMaxBlockBytes);
  std::size_t fill = 0, scanned = 0;
  for (std::size_t read = 0; read < reads; ++read) {
    if (block->capacity() - fill < shape.read_bytes) {
      block = pool.take(BlockPool::kMaxBlockBytes);
      fill = scanned = 0;
    }
    std::memcpy(block->data() + fill, piece(bytes, shape, read).data(), shape.read_bytes);
    fill += shape.read_bytes;
    while (const void* end = std::memchr(block->data() + scanned, '\n', fill - scanned)) {
      scanned = static_cast<std::size_t>(static_cast<const char*>(end) - block->data()) + 1;
      ++found;
    }
  }
}

/// The same bytes through the pipeline; parks on the shut gate as a loop does.
struct Pipeline {
  Pipeline()
      : quarantine(Quarantine::open(dir.path(), 1 << 20).value()),
        runner("void", std::make_unique<Void>(), 8 << 20, *quarantine, leftover,
               [this] { tasks.post([] {}); }) {
    runner.start();
  }
  ~Pipeline() {
    runner.finish();
    runner.join_until(std::chrono::steady_clock::time_point::max());
  }
  struct Void final : Sink {
    Result<void> open() override { return {}; }
    WriteStatus write(const Batch& batch) override {
      found += batch.frames.size();
      ++batches;
      return WriteStatus::kDelivered;
    }
    std::vector<FrameRange> abandon(const Batch&) override { return {}; }
    Result<void> close() override {
      std::printf("         %zu batches\n", batches);
      return {};
    }
    std::size_t batches = 0;
  };
  void run(const std::string& bytes, const Turns& shape, std::size_t reads) {
    Intake intake({{&runner.queue(), &route}}, pool, cell, false);
    test::FakeConnection connection(intake, 1);
    for (std::size_t read = 0; read < reads; ++read) {
      while (!intake.gate_open()) tasks.wait_and_run();
      const Now now = test::at_ms(static_cast<std::int64_t>(1e3 * seconds(CLOCK_MONOTONIC)));
      connection.read(piece(bytes, shape, read), now);
      if (read % shape.reads_per_turn == shape.reads_per_turn - 1) intake.end_turn(now);
    }
  }

  test::TempDir dir;
  BlockPool pool;
  BatchCell cell;
  RouteLedger route{"l", "void"};
  test::TaskQueue tasks;
  std::unique_ptr<Quarantine> quarantine;
  Leftover leftover{dir.path(), system_files()};
  test::QueuedRunner runner;
};

}  // namespace

int main(int argc, char** argv) {
  const std::size_t records = (argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 20) * 1'000'000;
  const std::string only = argc > 2 ? argv[2] : "";
  const std::string bytes = input();
  for (const Turns& shape : kShapes) {
    std::printf("%s\n", shape.name);
    const std::size_t reads = records * kRecordBytes / shape.read_bytes;
    for (int round = 0; round < (only.empty() ? 5 : 1); ++round) {
      if (only != "intake") print("bare", measure([&] { bare(bytes, shape, reads); }), records);
      if (only == "bare") continue;
      const auto pipeline = std::make_unique<Pipeline>();
      print("intake", measure([&] { pipeline->run(bytes, shape, reads); }), records);
    }
  }
  return found == 0;
}
