#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "tests/sinks/batches.h"

/// What the tests of the file sink share: a sink's config, peers, batches.
namespace penstock::test {

inline const Origin kOrigin{"one", "tcp://127.0.0.1:1"};
inline const Peer kA = inet_peer(10, 0, 0, 1), kB = inet_peer(10, 0, 0, 2),
                  kC = inet_peer(10, 0, 0, 3);

/// With Sync::kInterval no sync is due while a test runs.
inline config::Sink config_for(const std::string& path, config::Sync sync = config::Sync::kNever) {
  return {.name = "archive", .path = path, .sync = sync, .sync_interval = std::chrono::hours(1)};
}

/// A batch of one line.
inline Batch line(const std::string& text, const Peer& peer = kA, std::int64_t time_ns = 0) {
  return BatchBuilder(1024).lines(kOrigin, peer, time_ns, {text}).take();
}

/// Lines of kA and kB interleaved with opaque records; kTextA and kTextB are what a file of each then holds.
inline Batch two_peers() {
  BatchBuilder builder;
  builder.lines(kOrigin, kA, 0, {"a0", "a1"}).lines(kOrigin, kB, 0, {"b2", "b3"});
  builder.opaque(kOrigin, kA, 0, {"a\n4", "a5"}).lines(kOrigin, kB, 0, {"b6"});
  return builder.take();
}
inline const std::string kTextA = "a0\na1\na\\n4\na5\n", kTextB = "b2\nb3\nb6\n";

/// `FIRST+COUNT ` for each range.
inline std::string flat(const std::vector<FrameRange>& ranges) {
  std::string out;
  for (const FrameRange& range : ranges)
    out += std::to_string(range.first) + '+' + std::to_string(range.count) + ' ';
  return out;
}

}  // namespace penstock::test
