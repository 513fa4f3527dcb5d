#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/sinks/sqlite/database.h"

namespace penstock {

/// Removes rows that are too old or too many, oldest first, of all tables that this sink or an earlier run of it has made.
/// A little at a time, so that the sink's thread soon writes again. The database outlives it.
class SqliteRetention {
 public:
  SqliteRetention(const config::SqliteSink& config, SqliteDatabase& database)
      : config_(config), database_(database) {}

  bool enabled() const noexcept {
    return config_.retention.count() != 0 || config_.max_rows != 0 || config_.max_size_bytes != 0;
  }

  /// Outside of a transaction. Looks what is to go, at `now_ns` since 1970, and removes it for about 50 ms, in one
  /// transaction; gives pages back to the file system where many are free. SQLITE_OK or an error: then nothing is removed.
  int step(std::int64_t now_ns);

 private:
  using Clock = std::chrono::steady_clock;

  int list_tables();
  bool is_due();
  int remove(Clock::time_point until);
  int remove_some(const std::string& table, bool& more);
  int remove_oldest(bool& more);
  int give_back();
  int deleted(const std::string& table, const std::string& which, int most, bool& more);
  std::int64_t used_bytes();
  bool is_over_size() { return config_.max_size_bytes != 0 && used_bytes() > limit_bytes(); }
  std::int64_t limit_bytes() const noexcept {
    return static_cast<std::int64_t>(config_.max_size_bytes);
  }

  const config::SqliteSink& config_;
  SqliteDatabase& database_;
  std::vector<std::string> tables_;
  std::int64_t oldest_ns_ = 0;  // what was received before that goes
};

}  // namespace penstock
