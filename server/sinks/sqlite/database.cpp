#include "server/sinks/sqlite/database.h"

#include "protocols/core/errno_text.h"

namespace penstock {

std::string_view SqliteStatement::text(int column) noexcept {
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement_.get(), column));
  const int size = sqlite3_column_bytes(statement_.get(), column);
  return bytes == nullptr ? std::string_view()
                          : std::string_view(bytes, static_cast<std::size_t>(size));
}

int SqliteDatabase::open(const std::string& path) {
  sqlite3* opened = nullptr;
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX |
                         SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_PRIVATECACHE;
  const int result = sqlite3_open_v2(path.c_str(), &opened, kFlags, nullptr);
  database_.reset(opened);
  return result;
}

int SqliteDatabase::run(const std::string& sql) {
  return sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr);
}

SqliteStatement SqliteDatabase::prepare(const std::string& sql) {
  sqlite3_stmt* statement = nullptr;
  sqlite3_prepare_v3(database_.get(), sql.data(), static_cast<int>(sql.size()),
                     SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  return SqliteStatement(statement);
}

std::int64_t SqliteDatabase::number(const std::string& sql, std::int64_t otherwise) {
  SqliteStatement statement = prepare(sql);
  return statement && statement.step() == SQLITE_ROW ? statement.integer(0) : otherwise;
}

/// A checkpoint syncs the log only where it finds something to bring over that no reader's snapshot holds up.
int SqliteDatabase::sync() {
  int frames = -1, brought_over = -1;
  const int result = sqlite3_wal_checkpoint_v2(database_.get(), nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                               &frames, &brought_over);
  return result == SQLITE_OK && frames == brought_over ? SQLITE_OK : sync_log();
}

/// As SQLite does it itself, with the directory's entry where the file is new.
int SqliteDatabase::sync_log() {
  sqlite3_file* log = nullptr;
  const int result = sqlite3_file_control(database_.get(), nullptr, SQLITE_FCNTL_JOURNAL_POINTER,
                                          static_cast<void*>(&log));
  if (result != SQLITE_OK) return result;
  if (log == nullptr || log->pMethods == nullptr) return SQLITE_IOERR_FSYNC;
  return log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
}

std::string SqliteDatabase::error() const {
  std::string text = sqlite3_errmsg(database_.get());
  if (const int cause = sqlite3_system_errno(database_.get());
      cause != 0 && (sqlite3_errcode(database_.get()) & 0xff) != SQLITE_BUSY)
    text += " (" + errno_text(cause) + ")";
  return text;
}

std::string sqlite_identifier(std::string_view name) {
  std::string quoted = "\"";
  for (const char c : name) quoted.append(c == '"' ? 2 : 1, c);
  return quoted + '"';
}

}  // namespace penstock
