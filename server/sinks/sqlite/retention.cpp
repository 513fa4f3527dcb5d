#include "server/sinks/sqlite/retention.h"

#include <algorithm>
#include <limits>

#include "server/sinks/sqlite/table.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kBudget{50};  // of one step: half a tick
constexpr int kRowsAtATime = 500;
constexpr int kRowsBetweenSizes = 20;        // not many more than have to go
constexpr std::int64_t kPagesAtATime = 256;  // 1 MiB with SQLite's usual pages

std::string column_of_row(const std::string& expression, const std::string& table) {
  return "SELECT " + expression + " FROM " + sqlite_identifier(table);
}

}  // namespace

int SqliteRetention::step(std::int64_t now_ns) {
  const std::int64_t age_ns = std::chrono::nanoseconds(config_.retention).count();
  oldest_ns_ = age_ns == 0 ? std::numeric_limits<std::int64_t>::min() : now_ns - age_ns;
  if (const int listed = list_tables(); listed != SQLITE_OK) return listed;
  if (!is_due()) return give_back();
  if (const int begun = database_.run("BEGIN IMMEDIATE"); begun != SQLITE_OK) return begun;
  int result = remove(Clock::now() + kBudget);
  if (result == SQLITE_OK) result = database_.run("COMMIT");
  if (result != SQLITE_OK && database_.in_transaction()) database_.run("ROLLBACK");
  return result;
}

int SqliteRetention::list_tables() {
  tables_.clear();
  SqliteStatement tables = database_.prepare(
      "SELECT tbl_name FROM sqlite_schema WHERE type = 'index' AND name = tbl_name || '" +
      sqlite_time_index("") + "'");
  if (!tables) return sqlite3_extended_errcode(database_.get());
  int stepped = tables.step();
  for (; stepped == SQLITE_ROW; stepped = tables.step()) tables_.emplace_back(tables.text(0));
  return stepped == SQLITE_DONE ? SQLITE_OK : stepped;
}

bool SqliteRetention::is_due() {
  const auto has_old = [this](const std::string& table) {
    return database_.number(column_of_row("min(\"time\")", table), oldest_ns_) < oldest_ns_;
  };
  const auto has_many = [this](const std::string& table) {
    if (config_.max_rows == 0) return false;
    // Each by itself: SQLite finds one end of a table at once, both together it does not.
    const std::int64_t last = database_.number(column_of_row("max(rowid)", table), 0);
    const std::int64_t first = database_.number(column_of_row("min(rowid)", table), 0);
    return last - first >= static_cast<std::int64_t>(config_.max_rows);
  };
  return is_over_size() || std::any_of(tables_.begin(), tables_.end(), [&](const auto& table) {
           return has_old(table) || has_many(table);
         });
}

int SqliteRetention::remove(Clock::time_point until) {
  bool more = true;
  while (more && Clock::now() < until) {
    more = false;
    for (const std::string& table : tables_) {
      if (const int result = remove_some(table, more); result != SQLITE_OK) return result;
    }
    if (!is_over_size()) continue;
    if (const int result = remove_oldest(more); result != SQLITE_OK) return result;
  }
  return SQLITE_OK;
}

/// Sets `more` where there may be more of it.
int SqliteRetention::remove_some(const std::string& table, bool& more) {
  if (config_.retention.count() != 0) {
    const int result =
        deleted(table, "\"time\" < " + std::to_string(oldest_ns_) + " ORDER BY \"time\"",
                kRowsAtATime, more);
    if (result != SQLITE_OK) return result;
  }
  if (config_.max_rows == 0) return SQLITE_OK;
  return deleted(table,
                 "rowid <= (" + column_of_row("max(rowid)", table) + ") - " +
                     std::to_string(config_.max_rows) + " ORDER BY rowid",
                 kRowsAtATime, more);
}

/// Of the table that has the oldest row.
int SqliteRetention::remove_oldest(bool& more) {
  constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
  std::int64_t oldest = kNone;
  const std::string* from = nullptr;
  for (const std::string& table : tables_) {
    SqliteStatement rows = database_.prepare(
        column_of_row("\"time\"", table) + " WHERE \"time\" IS NOT NULL ORDER BY \"time\" LIMIT 1");
    if (!rows || rows.step() != SQLITE_ROW || rows.integer(0) >= oldest) continue;
    oldest = rows.integer(0);
    from = &table;
  }
  return from == nullptr ? SQLITE_OK
                         : deleted(*from, "true ORDER BY \"time\"", kRowsBetweenSizes, more);
}

int SqliteRetention::deleted(const std::string& table, const std::string& which, int most,
                             bool& more) {
  const std::string name = sqlite_identifier(table);
  const int result =
      database_.run("DELETE FROM " + name + " WHERE rowid IN (SELECT rowid FROM " + name +
                    " WHERE " + which + " LIMIT " + std::to_string(most) + ")");
  if (result == SQLITE_OK) more = more || sqlite3_changes(database_.get()) != 0;
  return result;
}

std::int64_t SqliteRetention::used_bytes() {
  return (database_.number("PRAGMA page_count", 0) - database_.number("PRAGMA freelist_count", 0)) *
         database_.number("PRAGMA page_size", 0);
}

/// Free pages are used again; where they are over a quarter of the file, its end is cut off.
int SqliteRetention::give_back() {
  const std::int64_t free = database_.number("PRAGMA freelist_count", 0);
  if (free <= kPagesAtATime || free <= database_.number("PRAGMA page_count", 0) / 4)
    return SQLITE_OK;
  return database_.run("PRAGMA incremental_vacuum(" + std::to_string(kPagesAtATime) + ")");
}

}  // namespace penstock
