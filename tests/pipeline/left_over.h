#pragma once

#include <catch2/catch.hpp>

#include <string>
#include <vector>

#include "server/pipeline/leftover.h"
#include "server/queue/inspect.h"

namespace penstock::test {

/// The bytes of the records that one stop has left over in `directory`, for one sink.
inline std::vector<std::string> records_in(const std::string& directory) {
  std::vector<std::string> all;
  OriginTable origins;
  const auto report =
      inspect_queue(system_files(), directory, origins, [&](const StoredBatch& stored) {
        for (const FrameRef& frame : stored.batch.frames)
          all.emplace_back(stored.batch.bytes(frame));
      });
  REQUIRE(report);
  CHECK(report->sound());
  return all;
}

/// Those of all sinks.
inline std::vector<std::string> left_over_records(const Leftover& leftover) {
  std::vector<std::string> all;
  for (const Leftover::Kept& kept : leftover.kept()) {
    const std::vector<std::string> records = records_in(kept.path);
    CHECK(records.size() == kept.records);
    all.insert(all.end(), records.begin(), records.end());
  }
  return all;
}

}  // namespace penstock::test
