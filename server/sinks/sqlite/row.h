#pragma once

#include <array>
#include <string>
#include <vector>

#include "protocols/core/batch.h"
#include "server/sinks/sqlite/columns.h"
#include "server/sinks/sqlite/database.h"

namespace penstock {

/// One record as the values of a row. Texts are TEXT where they are UTF-8 without NUL, else BLOB with the same bytes;
/// numbers INTEGER or REAL, times INTEGER nanoseconds since 1970 UTC; maps and arrays JSON, whose bytes that are no UTF-8
/// are U+FFFD: the column `raw` then has the record as received. The sink's thread only.
class SqliteRow {
 public:
  /// Of frame `at` of `batch`, which outlives the row.
  void take(const Batch& batch, const Segment& segment, std::size_t at);

  /// Those that have a value.
  ColumnSet columns() const noexcept { return columns_; }
  /// Those that a table for it has from its beginning.
  ColumnSet table_columns() const noexcept { return columns_ | beginning_; }

  /// Binds them to the parameters ?1, ?2, ... of `statement`, which stand for the members of `order`; NULL for those without
  /// a value. What is bound lives until the next take(). SQLITE_OK or an error.
  int bind(SqliteStatement& statement, ColumnSet order) const;

 private:
  struct Cell {
    enum class Type : std::uint8_t { kInteger, kReal, kText, kBytes };
    Type type = Type::kInteger;
    std::int64_t integer = 0;
    double real = 0;
    std::string_view bytes;
  };

  void set_integer(Column column, std::int64_t value);
  void set_bytes(Column column, std::string_view bytes);  ///< text where it can be
  void set_text(Column column, std::string_view text);    ///< known to be UTF-8
  void set(Column column, const Cell& cell);
  void take_peer(const Segment& segment);
  void take_event(const Event& event);
  void take_field(Column column, const FieldValue& value);
  void take_rest(const Event& event);
  /// What `write` (from a place to the JsonTextEnd behind it) writes becomes the column's text.
  template <class Write>
  void take_json(Column column, Write&& write);

  ColumnSet columns_ = 0;
  ColumnSet beginning_ = 0;
  std::array<Cell, kColumnCount> cells_;
  std::vector<char>
      json_;  // of all columns, one behind the other: large enough before the first is written
  char* json_end_ = nullptr;
  bool utf8_ = true;  // nothing in it had to be replaced
  Peer peer_;
  std::string peer_text_;  // of peer_
};

}  // namespace penstock
