#include "server/sinks/sqlite/columns.h"

#include <initializer_list>

namespace penstock {
namespace {

constexpr std::size_t kFirst = static_cast<std::size_t>(Column::kFirstField);

/// Of the columns in front of the fields.
struct Named {
  std::string_view name, type;
};
constexpr std::array<Named, kFirst> kOfOrigin = {{{"time", "INTEGER"},
                                                  {"listener", "TEXT"},
                                                  {"url", "TEXT"},
                                                  {"peer", "TEXT"},
                                                  {"peer_port", "INTEGER"},
                                                  {"peer_pid", "INTEGER"},
                                                  {"peer_uid", "INTEGER"},
                                                  {"peer_gid", "INTEGER"},
                                                  {"peer_command", "TEXT"},
                                                  {"flags", "TEXT"}}};

constexpr ColumnSet set_of(std::initializer_list<Column> columns) noexcept {
  ColumnSet set = 0;
  for (const Column column : columns) set |= bit_of(column);
  return set;
}
constexpr ColumnSet set_of(std::initializer_list<Field> fields) noexcept {
  ColumnSet set = 0;
  for (const Field field : fields) set |= bit_of(column_of(field));
  return set;
}

constexpr ColumnSet kAlways = set_of({Column::kTime, Column::kListener, Column::kUrl, Column::kPeer,
                                      Column::kPeerPort, Column::kFlags});

std::string_view type_of_field(Field field) noexcept {
  switch (field) {
    case Field::kTimestamp:
    case Field::kFacility:
    case Field::kSeverity:
    case Field::kErrorOffset: return "INTEGER";
    case Field::kSampleRate:
    case Field::kInterval: return "REAL";
    case Field::kValue: return {};  // an affinity would round what is longer than a double
    default: return "TEXT";
  }
}

}  // namespace

std::string_view to_string(Column column) noexcept {
  const auto at = static_cast<std::size_t>(column);
  if (at < kFirst) return kOfOrigin[at].name;
  if (column == Column::kRest) return "rest";
  if (column == Column::kRaw) return "raw";
  return to_string(static_cast<Field>(at - kFirst + 1));
}

std::string_view type_of(Column column) noexcept {
  const auto at = static_cast<std::size_t>(column);
  if (at < kFirst) return kOfOrigin[at].type;
  if (column == Column::kRest) return "TEXT";
  if (column == Column::kRaw) return "BLOB";
  return type_of_field(static_cast<Field>(at - kFirst + 1));
}

ColumnSet columns_of_raw() noexcept { return kAlways | set_of({Field::kMessage}); }

ColumnSet columns_of(EventShape shape) noexcept {
  if (shape == EventShape::kMetric)
    return kAlways | set_of({Field::kTimestamp, Field::kName, Field::kKind, Field::kValue,
                             Field::kTags, Field::kFields});
  return kAlways | set_of({Field::kTimestamp, Field::kHost, Field::kApp, Field::kProcid,
                           Field::kMsgid, Field::kFacility, Field::kSeverity,
                           Field::kStructuredData, Field::kTag, Field::kMessage, Field::kFields});
}

}  // namespace penstock
