#pragma once

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "server/queue/disk_log.h"
#include "tests/queue/simulated_files.h"
#include "tests/support/no_rejects.h"

namespace penstock::test {

using Strings = std::vector<std::string>;

inline const Origin kQueueOrigin{"syslog", "tcp://127.0.0.1:5514"};

/// A batch of frames of one peer, without a decoder: lines back to back, or frames as they are.
inline Batch batch_of(const std::vector<std::string>& frames, bool lines,
                      const Origin& origin = kQueueOrigin) {
  Batch batch;
  std::size_t bytes = 1;
  for (const std::string& frame : frames) bytes += frame.size() + 1;
  batch.block = std::make_shared<Block>(bytes);
  for (const std::string& frame : frames) {
    frame.copy(batch.block->data() + batch.end, frame.size());
    batch.frames.push_back(FrameRef::make(batch.end, frame.size(), kFrameWhole));
    batch.end += frame.size();
    if (lines) batch.block->data()[batch.end++] = '\n';
  }
  Segment segment;
  segment.origin = &origin;
  segment.peer.kind = Peer::Kind::kInet4;
  segment.peer.address = {192, 0, 2, 1};
  segment.peer.port = 40000;
  segment.time_ns = 1'700'000'000'000'000'000;
  segment.count = static_cast<std::uint32_t>(frames.size());
  segment.lines = lines;
  batch.segments.push_back(segment);
  return batch;
}

inline std::shared_ptr<Block> new_block(std::size_t bytes) {
  return std::make_shared<Block>(bytes);
}

inline std::vector<std::string> frames_of(const Batch& batch) {
  std::vector<std::string> all;
  for (const FrameRef& frame : batch.frames) all.emplace_back(batch.bytes(frame));
  return all;
}

/// A log on a simulated disk, opened again at will.
struct LogRig {
  static constexpr std::uint64_t kSegmentBytes = 16 << 10;

  explicit LogRig(QueueSync how = QueueSync::kBatch, std::uint64_t most = 64 * kSegmentBytes)
      : sync(how), max_bytes(most) {}

  bool open() {
    log.reset();
    recovered = {};
    DiskLogOptions options{"/q", max_bytes, kSegmentBytes, sync};
    options.read_pause = {};
    auto opened = DiskLog::open(files, std::move(options), origins, new_block, recovered);
    if (!opened) {
      error = opened.error().message;
      return false;
    }
    log = std::move(*opened);
    return true;
  }

  /// Appends, rolls, commits and repeats, as who appends has to, but at most so often.
  bool put(const Batch& batch, int attempts = 8) {
    for (bool appended = false; attempts > 0; --attempts) {
      appended = appended || log->append(batch);
      const DiskLog::CommitStatus status = log->commit();
      if (status == DiskLog::CommitStatus::kRetry) continue;
      if (status == DiskLog::CommitStatus::kDone && appended) return true;
      appended = false;
      if (log->roll() == DiskLog::RollStatus::kFull) return false;
    }
    return false;
  }

  /// All that can be read now.
  std::vector<std::string> read(bool deliver = true) {
    std::vector<std::string> all;
    StoredBatch batch;
    while (log->next(batch) == DiskLog::ReadStatus::kBatch) {
      for (std::string& frame : frames_of(batch.batch)) all.push_back(std::move(frame));
      if (deliver) log->delivered(batch.end_record());
    }
    return all;
  }

  QueueSync sync;
  std::uint64_t max_bytes;
  SimulatedFiles files;
  OriginTable origins;
  std::unique_ptr<DiskLog> log;
  DiskLog::Recovered recovered;
  std::string error;
};

inline std::string numbered(std::size_t n) { return "record " + std::to_string(n); }

/// `count` records in batches of three.
inline Strings fill(LogRig& rig, std::size_t count) {
  Strings sent;
  for (std::size_t n = 0; n < count; n += 3) {
    const Strings some{numbered(n), numbered(n + 1), numbered(n + 2)};
    REQUIRE(rig.put(batch_of(some, n % 2 == 0)));
    sent.insert(sent.end(), some.begin(), some.end());
  }
  return sent;
}

}  // namespace penstock::test
