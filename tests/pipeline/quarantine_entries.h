#pragma once

#include <catch2/catch.hpp>
#include <memory>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "server/pipeline/quarantine.h"
#include "tests/support/files.h"

/// What the tests of the quarantine's files share: an entry, a quarantine of their own, what a file holds.
namespace penstock::test {

inline constexpr std::size_t kMiB = std::size_t{1} << 20;

inline QuarantineEntry entry_of(std::string bytes, std::string reason = "oversize") {
  QuarantineEntry entry;
  entry.time_ns = 1;
  entry.listener = "syslog";
  entry.url = "tcp://127.0.0.1:5514";
  entry.peer = "192.0.2.1:40000";
  entry.reason = std::move(reason);
  entry.bytes = std::move(bytes);
  return entry;
}

/// Every line must be an entry.
inline std::vector<QuarantineEntry> entries_in(const std::string& path) {
  std::vector<QuarantineEntry> entries;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const Result<QuarantineEntry> entry = parse_quarantine_line(line);
    INFO(line);
    REQUIRE(entry);
    entries.push_back(*entry);
  }
  return entries;
}

inline std::unique_ptr<Quarantine> open_in(const std::string& directory,
                                           std::size_t max_bytes = 64 * kMiB) {
  Result<std::unique_ptr<Quarantine>> quarantine = Quarantine::open(directory, max_bytes);
  INFO((quarantine ? "" : quarantine.error().message));
  REQUIRE(quarantine);
  return std::move(*quarantine);
}

}  // namespace penstock::test
