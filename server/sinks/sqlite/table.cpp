#include "server/sinks/sqlite/table.h"

#include <strings.h>

namespace penstock {
namespace {

std::string declaration(Column column) {
  std::string text = sqlite_identifier(to_string(column));
  if (!type_of(column).empty()) text += ' ' + std::string(type_of(column));
  return text;
}

/// SQL's names have no case.
ColumnSet known_column(const std::string& name) {
  for (std::size_t at = 0; at < kColumnCount; ++at) {
    const auto column = static_cast<Column>(at);
    if (::strcasecmp(name.c_str(), std::string(to_string(column)).c_str()) == 0)
      return bit_of(column);
  }
  return 0;
}

/// What `of` gives for each column, with commas between.
template <class Of>
std::string joined(ColumnSet columns, Of&& of) {
  std::string text;
  visit(columns, [&](Column column) { text += (text.empty() ? "" : ", ") + of(column); });
  return text;
}

}  // namespace

std::string sqlite_time_index(const std::string& table) { return table + "@time"; }

int SqliteTable::insert(const SqliteRow& row) {
  if (!insert_ || (row.columns() & ~columns_) != 0) {
    if (const int prepared = prepare(row.table_columns()); prepared != SQLITE_OK) return prepared;
  }
  insert_.reset();
  if (const int bound = row.bind(insert_, columns_); bound != SQLITE_OK) return bound;
  const int stepped = insert_.step();
  return stepped == SQLITE_DONE ? SQLITE_OK : stepped;
}

int SqliteTable::prepare(ColumnSet wanted) {
  insert_ = {};
  if (columns_ == 0) {
    if (const int made = create(wanted); made != SQLITE_OK) return made;
    if (const int seen = look(); seen != SQLITE_OK) return seen;
  }
  if (const int added = add_missing(wanted); added != SQLITE_OK) return added;
  const auto name = [](Column column) { return sqlite_identifier(to_string(column)); };
  const auto place = [](Column) { return std::string("?"); };
  insert_ =
      database_.prepare("INSERT INTO " + sqlite_identifier(name_) + " (" + joined(columns_, name) +
                        ") VALUES (" + joined(columns_, place) + ")");
  return insert_ ? SQLITE_OK : sqlite3_extended_errcode(database_.get());
}

int SqliteTable::create(ColumnSet wanted) {
  return database_.run("CREATE TABLE IF NOT EXISTS " + sqlite_identifier(name_) + " (" +
                       joined(wanted, declaration) + ")");
}

int SqliteTable::look() {
  SqliteStatement info = database_.prepare("SELECT name FROM pragma_table_info(?)");
  if (!info) return sqlite3_extended_errcode(database_.get());
  sqlite3_bind_text64(info.get(), 1, name_.data(), name_.size(), nullptr, SQLITE_UTF8);
  int stepped = info.step();
  for (; stepped == SQLITE_ROW; stepped = info.step())
    columns_ |= known_column(std::string(info.text(0)));
  return stepped == SQLITE_DONE ? SQLITE_OK : stepped;
}

int SqliteTable::add_missing(ColumnSet wanted) {
  int result = SQLITE_OK;
  visit(wanted & ~columns_, [&](Column column) {
    if (result != SQLITE_OK) return;
    result = database_.run("ALTER TABLE " + sqlite_identifier(name_) + " ADD COLUMN " +
                           declaration(column));
    if (result == SQLITE_OK) columns_ |= bit_of(column);
  });
  if (result != SQLITE_OK) return result;
  return database_.run("CREATE INDEX IF NOT EXISTS " + sqlite_identifier(sqlite_time_index(name_)) +
                       " ON " + sqlite_identifier(name_) + " (\"time\")");
}

}  // namespace penstock
