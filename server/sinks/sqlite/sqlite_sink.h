#pragma once

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/config/config.h"
#include "server/files/created_paths.h"
#include "server/log/log.h"
#include "server/pipeline/sink.h"
#include "server/sinks/sqlite/database.h"
#include "server/sinks/sqlite/retention.h"
#include "server/sinks/sqlite/row.h"
#include "server/sinks/sqlite/table.h"

namespace penstock {

/// `type = "sqlite"`: records as rows of a SQLite database in WAL mode, a table a listener (see Column, SqliteRow). A batch
/// is one transaction: after a failure none of it is there, and after COMMIT all of it. A database that another program
/// writes to for long, a full disk and any other error of SQLite give kRetry.
///
/// `sync`: always is synchronous = FULL, the write-ahead log is synced before COMMIT returns; interval is NORMAL, and
/// what was written is synced at least every `sync_interval`, whatever readers do; never is OFF.
class SqliteSink final : public Sink {
 public:
  explicit SqliteSink(const config::Sink& config);
  SqliteSink(const SqliteSink&) = delete;
  SqliteSink& operator=(const SqliteSink&) = delete;
  ~SqliteSink() override;

  /// Fails where the file cannot be made or is no database; not where another program has locked it.
  Result<void> open() override;
  void undo_open() noexcept override;
  WriteStatus write(const Batch& batch) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  void tick() override;
  Result<void> close() override;
  void request_reopen() noexcept override { reopen_ = true; }
  void request_interrupt() noexcept override { interrupted_ = true; }
  std::string last_error() const override { return error_; }

 private:
  using Clock = std::chrono::steady_clock;

  int connect();
  int set_up();
  void disconnect();
  bool was_moved() const;
  bool make_ready();
  int insert_all(const Batch& batch);
  SqliteTable& table_of(const Origin& origin);
  bool note(int result, const std::string& what);
  void roll_back() noexcept;
  void sync_when_due();
  void sync();
  static int on_busy(void* sink, int count);

  const config::Sink config_;
  std::string path_;  // as a file, once open() was called
  SqliteDatabase database_;
  SqliteRetention retention_;
  SqliteRow row_;
  std::map<std::string, SqliteTable> tables_;  // by name
  std::unordered_map<const Origin*, SqliteTable*> of_origin_;
  std::optional<CreatedPaths> created_;  // until the first write
  bool made_file_ = false;               // by open(): what undo_open() removes
  bool is_set_up_ = false;
  std::uint64_t device_ = 0, inode_ = 0;  // of the file that is open
  std::atomic<bool> reopen_{false}, interrupted_{false};
  Clock::time_point give_up_;  // waiting for another program's lock
  Clock::time_point last_sync_;
  bool unsynced_ = false;  // with sync = "interval": what write() has delivered
  log::RateLimit retention_limit_;
  std::string error_;
};

}  // namespace penstock
