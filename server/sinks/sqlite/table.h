#pragma once

#include <string>

#include "server/sinks/sqlite/columns.h"
#include "server/sinks/sqlite/database.h"
#include "server/sinks/sqlite/row.h"

namespace penstock {

/// The index on `time` that each table of ours has, which also tells it from the tables of others: name and `@time`.
std::string sqlite_time_index(const std::string& table);

/// A table that rows go into: made by the first one, and given the columns that it lacks when a row has something for them.
/// Its database outlives it. After a rollback it must be forgotten, for columns may be gone again.
class SqliteTable {
 public:
  SqliteTable(SqliteDatabase& database, std::string name)
      : database_(database), name_(std::move(name)) {}

  /// Within a transaction. SQLITE_OK or an error.
  int insert(const SqliteRow& row);

 private:
  int prepare(ColumnSet wanted);
  int create(ColumnSet wanted);
  int look();
  int add_missing(ColumnSet wanted);

  SqliteDatabase& database_;
  std::string name_;
  ColumnSet columns_ = 0;  // that it has, of those we know
  SqliteStatement insert_;
};

}  // namespace penstock
