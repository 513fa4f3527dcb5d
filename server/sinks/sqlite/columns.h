#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/field.h"

namespace penstock {

/// What a table of the SQLite sink may have: where a record comes from, then a column for each Field, by its name, then what
/// no other column holds.
enum class Column : std::uint8_t {
  kTime,
  kListener,
  kUrl,
  kPeer,
  kPeerPort,
  kPeerPid,
  kPeerUid,
  kPeerGid,
  kPeerCommand,
  kFlags,
  kFirstField,  ///< of Field::kTimestamp
  kRest = kFirstField + static_cast<std::uint8_t>(Field::kCount) - 1,
  kRaw,
  kCount
};
inline constexpr std::size_t kColumnCount = static_cast<std::size_t>(Column::kCount);

constexpr Column column_of(Field field) noexcept {
  return field == Field::kNone ? Column::kRest
                               : static_cast<Column>(static_cast<std::size_t>(Column::kFirstField) +
                                                     static_cast<std::size_t>(field) - 1);
}

/// A set of columns; bit n is Column n.
using ColumnSet = std::uint64_t;
static_assert(kColumnCount <= 64);
constexpr ColumnSet bit_of(Column column) noexcept {
  return ColumnSet{1} << static_cast<unsigned>(column);
}

std::string_view to_string(Column column) noexcept;
/// The declared type, empty where values of every type stand as they are.
std::string_view type_of(Column column) noexcept;

/// What a table has from its beginning, by its first record: bytes alone, a log record or a metric point. The others are
/// added when the first record has something for them.
ColumnSet columns_of_raw() noexcept;
ColumnSet columns_of(EventShape shape) noexcept;

/// Calls `each(Column)` for the members, in their order.
template <class Each>
void visit(ColumnSet columns, Each&& each) {
  for (std::size_t at = 0; at < kColumnCount; ++at) {
    if (const auto column = static_cast<Column>(at); (columns & bit_of(column)) != 0) each(column);
  }
}

}  // namespace penstock
