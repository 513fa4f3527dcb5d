#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace penstock {

/// One prepared statement of a Database, which outlives it.
class SqliteStatement {
 public:
  SqliteStatement() = default;
  explicit SqliteStatement(sqlite3_stmt* statement) noexcept : statement_(statement) {}

  explicit operator bool() const noexcept { return statement_ != nullptr; }
  sqlite3_stmt* get() const noexcept { return statement_.get(); }

  /// SQLITE_ROW, SQLITE_DONE or an extended error code.
  int step() noexcept { return sqlite3_step(statement_.get()); }
  /// Before the next step() from the beginning.
  void reset() noexcept { sqlite3_reset(statement_.get()); }
  std::int64_t integer(int column) noexcept {
    return sqlite3_column_int64(statement_.get(), column);
  }
  /// Until the next step() or reset().
  std::string_view text(int column) noexcept;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const noexcept { sqlite3_finalize(statement); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

/// A connection to one SQLite file. One thread at a time. Results are SQLite's extended codes; error() says the last one in
/// words.
class SqliteDatabase {
 public:
  /// Opens `path`, which is made where it is missing; SQLITE_OK or why not.
  int open(const std::string& path);
  void close() noexcept { database_.reset(); }
  bool is_open() const noexcept { return database_ != nullptr; }
  sqlite3* get() const noexcept { return database_.get(); }

  /// Runs one or several statements that give nothing, or nothing that matters.
  int run(const std::string& sql);
  /// An empty statement where `sql` is wrong or the file cannot be read: error() says which.
  SqliteStatement prepare(const std::string& sql);
  /// The first column of the first row; `otherwise` where there is none.
  std::int64_t number(const std::string& sql, std::int64_t otherwise);

  /// All that was committed in WAL mode is on the disk when it has returned SQLITE_OK; it brings into the database what no
  /// reader holds up. Does not wait for others.
  int sync();

  /// Inside of BEGIN and COMMIT.
  bool in_transaction() const noexcept { return sqlite3_get_autocommit(database_.get()) == 0; }
  /// Of the last call that failed: `database is locked`.
  std::string error() const;

 private:
  int sync_log();

  struct Close {
    void operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
  };
  std::unique_ptr<sqlite3, Close> database_;
};

/// `name` as an identifier of SQL.
std::string sqlite_identifier(std::string_view name);

}  // namespace penstock
