#pragma once

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/sinks/sqlite/database.h"

namespace penstock::test {

inline config::Sink sqlite_config(const std::string& path, config::SqliteSink sqlite = {},
                                  config::Sync sync = config::Sync::kNever) {
  config::Sink config{.name = "db", .type = config::SinkType::kSqlite, .path = path, .sync = sync};
  config.sqlite = std::move(sqlite);
  return config;
}

/// Another program that has the database open.
class SqliteReader {
 public:
  explicit SqliteReader(const std::string& path) { REQUIRE(database_.open(path) == SQLITE_OK); }

  int run(const std::string& sql) { return database_.run(sql); }
  std::int64_t number(const std::string& sql) { return database_.number(sql, -1); }

  /// Each row as `value|value`, a value as SQLite's quote() writes it: 5, 'text', X'00FF', NULL.
  std::vector<std::string> rows(const std::string& columns, const std::string& from) {
    std::string quoted;
    std::size_t at = 0;
    while (at <= columns.size()) {
      const std::size_t end = std::min(columns.find(' ', at), columns.size());
      quoted += (quoted.empty() ? "quote(" : " || '|' || quote(") +
                sqlite_identifier(columns.substr(at, end - at)) + ")";
      at = end + 1;
    }
    SqliteStatement statement = database_.prepare("SELECT " + quoted + " FROM " + from);
    INFO(database_.error());
    REQUIRE(statement);
    std::vector<std::string> all;
    while (statement.step() == SQLITE_ROW) all.emplace_back(statement.text(0));
    return all;
  }

  /// `name TYPE` of each column, in order.
  std::vector<std::string> columns(const std::string& table) {
    SqliteStatement statement = database_.prepare(
        "SELECT trim(name || ' ' || type) FROM pragma_table_info('" + table + "')");
    std::vector<std::string> all;
    while (statement.step() == SQLITE_ROW) all.emplace_back(statement.text(0));
    return all;
  }

 private:
  SqliteDatabase database_;
};

}  // namespace penstock::test
