#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "server/pipeline/sink.h"
#include "tests/support/no_rejects.h"

namespace penstock::test {

/// A batch of equal records, as a loop seals it.
inline Batch bench_batch(std::size_t records, std::size_t bytes) {
  static const Origin origin{.listener = "bench", .url = "tcp://127.0.0.1:5514"};
  Batch batch;
  batch.id = 1;
  batch.block = std::make_shared<Block>(records * (bytes + 1));
  batch.segments.push_back({.origin = &origin, .time_ns = 1'764'037'518'000'000'000});
  FrameCounts counts;
  NoRejects rejects;
  const std::string record(bytes, 'x');
  std::size_t fill = 0;
  for (std::size_t at = 0; at < records; ++at) {
    BatchWriter writer(batch, batch.block->data() + fill, counts, rejects);
    writer.add(record, kFrameWhole, Shape::kOpaque);
    fill = static_cast<std::size_t>(writer.end() - batch.block->data());
  }
  return batch;
}

/// Records a second since `begin`.
inline double bench_rate(std::size_t records, std::chrono::steady_clock::time_point begin) {
  using Seconds = std::chrono::duration<double>;
  return static_cast<double>(records) / Seconds(std::chrono::steady_clock::now() - begin).count();
}

/// Records a second that a sink delivers, called as a SinkRunner calls it, with a queue of 8 MiB in batches of 256 KiB. Ends the
/// program when the sink has trouble.
inline double bench_sink(Sink& sink, std::size_t records, std::size_t bytes) {
  constexpr std::size_t kQueueBytes = std::size_t{8} << 20, kBatchBytes = std::size_t{256} << 10;
  if (!sink.open()) std::exit(1);
  const std::size_t of_batch = std::min(kBatchBytes / (bytes + 1), records);
  std::vector<Batch> batches;
  for (std::size_t at = 0; at < kQueueBytes / kBatchBytes; ++at)
    batches.push_back(bench_batch(of_batch, bytes));
  std::vector<const Batch*> idle;
  for (const Batch& batch : batches) idle.push_back(&batch);
  const std::size_t total = records / of_batch;
  const auto begin = std::chrono::steady_clock::now();
  for (std::size_t written = 0, done = 0; done < total;) {
    const bool more = written < total && !idle.empty();
    if (more) {
      if (sink.write(*idle.back()) == WriteStatus::kFailed) std::exit(1);
      idle.pop_back();
      ++written;
    }
    for (const Finished& finished : sink.poll(std::chrono::milliseconds(more ? 5 : 100))) {
      if (finished.status != WriteStatus::kDelivered) {
        std::fprintf(stderr, "sink: %s\n", sink.last_error().c_str());
        std::exit(1);
      }
      idle.push_back(finished.batch);
      ++done;
    }
  }
  const double found = bench_rate(total * of_batch, begin);
  if (!sink.close()) std::exit(1);
  return found;
}

}  // namespace penstock::test
