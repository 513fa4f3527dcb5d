#include "server/sinks/sqlite/row.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "protocols/core/utf8.h"
#include "server/sinks/json_fields.h"

namespace penstock {
namespace {

/// By FrameFlag bits.
constexpr std::array<std::string_view, 8> kFlagTexts = {
    "",         "truncated",          "partial",          "truncated,partial",
    "unparsed", "truncated,unparsed", "partial,unparsed", "truncated,partial,unparsed"};
constexpr unsigned kFlagBits = kFrameTruncated | kFramePartial | kFrameUnparsed;
static_assert(kFlagBits == kFlagTexts.size() - 1);

}  // namespace

void SqliteRow::set(Column column, const Cell& cell) {
  columns_ |= bit_of(column);
  cells_[static_cast<std::size_t>(column)] = cell;
}
void SqliteRow::set_integer(Column column, std::int64_t value) {
  set(column, {.type = Cell::Type::kInteger, .integer = value});
}
void SqliteRow::set_text(Column column, std::string_view text) {
  set(column, {.type = Cell::Type::kText, .bytes = text});
}
void SqliteRow::set_bytes(Column column, std::string_view bytes) {
  const bool text = is_utf8(bytes) && bytes.find('\0') == std::string_view::npos;
  set(column, {.type = text ? Cell::Type::kText : Cell::Type::kBytes, .bytes = bytes});
}

void SqliteRow::take(const Batch& batch, const Segment& segment, std::size_t at) {
  columns_ = 0;
  utf8_ = true;
  set_integer(Column::kTime, segment.time_ns);
  set_text(Column::kListener, segment.origin->listener);
  set_bytes(Column::kUrl, segment.origin->url);
  take_peer(segment);
  const FrameRef& frame = batch.frames[at];
  set_text(Column::kFlags, kFlagTexts[frame.flags & kFlagBits]);
  const auto event = batch.event(at);
  beginning_ = event ? columns_of(event->shape()) : columns_of_raw();
  if (!event) return set_bytes(column_of(Field::kMessage), batch.bytes(frame));
  take_event(*event);
  if (!utf8_) set(Column::kRaw, {.type = Cell::Type::kBytes, .bytes = event->frame()});
}

void SqliteRow::take_peer(const Segment& segment) {
  if (segment.peer.kind == Peer::Kind::kNone) return;
  if (peer_text_.empty() || segment.peer != peer_) {
    peer_ = segment.peer;
    peer_text_ = zoned_address_text(peer_);
  }
  set_text(Column::kPeer, peer_text_);
  if (peer_.kind != Peer::Kind::kUnix) return set_integer(Column::kPeerPort, peer_.port);
  if (peer_.pid != 0) set_integer(Column::kPeerPid, peer_.pid);
  set_integer(Column::kPeerUid, peer_.uid);
  set_integer(Column::kPeerGid, peer_.gid);
  if (!command_of(peer_).empty()) set_bytes(Column::kPeerCommand, command_of(peer_));
}

void SqliteRow::take_event(const Event& event) {
  constexpr std::size_t kBraces = 2;
  json_.resize(std::max(json_.size(), most_json_fields_bytes(event) + kBraces));
  json_end_ = json_.data();
  bool rest = false;
  FieldReader reader = event.fields();
  for (FieldEntry entry; reader.next(entry);) {
    // A field twice, where a sender may do that: the first one, as Event::find has it.
    const Column column = column_of(entry.id);
    rest = rest || column == Column::kRest;
    if (column != Column::kRest && (columns_ & bit_of(column)) == 0)
      take_field(column, entry.value);
  }
  if (rest) take_rest(event);
}

void SqliteRow::take_field(Column column, const FieldValue& value) {
  const auto json = [&value](char* out) { return write_json_value(value, out); };
  switch (value.type) {
    case FieldType::kNull: return;
    case FieldType::kBool: return set_integer(column, value.boolean ? 1 : 0);
    case FieldType::kInt64:
    case FieldType::kTime: return set_integer(column, value.integer);
    case FieldType::kUint64:
      if (value.unsigned_integer > std::uint64_t{std::numeric_limits<std::int64_t>::max()})
        return take_json(column, json);  // its digits: REAL would lose some
      return set_integer(column, static_cast<std::int64_t>(value.unsigned_integer));
    case FieldType::kDouble:
      if (std::isnan(value.real)) return set_text(column, "NaN");  // SQLite makes NULL of it
      return set(column, {.type = Cell::Type::kReal, .real = value.real});
    case FieldType::kNumber: return set_text(column, value.text);
    case FieldType::kString: return set_bytes(column, value.text);
    case FieldType::kBytes: return set(column, {.type = Cell::Type::kBytes, .bytes = value.text});
    case FieldType::kMap:
    case FieldType::kArray: return take_json(column, json);
  }
}

template <class Write>
void SqliteRow::take_json(Column column, Write&& write) {
  char* const begin = json_end_;
  const JsonTextEnd written = write(begin);
  json_end_ = written.end;
  utf8_ = utf8_ && written.utf8;
  set_text(column, {begin, static_cast<std::size_t>(written.end - begin)});
}

/// The sender's own names on the top level, as one object.
void SqliteRow::take_rest(const Event& event) {
  take_json(Column::kRest, [&event](char* const begin) {
    JsonTextEnd all{begin, true};
    FieldReader reader = event.fields();
    for (FieldEntry entry; reader.next(entry);) {
      if (entry.id != Field::kNone) continue;
      const JsonTextEnd member = write_json_member(entry, all.end);
      all = {member.end, all.utf8 && member.utf8};
    }
    *begin = '{';  // in the place of the first member's comma
    *all.end++ = '}';
    return all;
  });
}

int SqliteRow::bind(SqliteStatement& statement, ColumnSet order) const {
  int parameter = 0;
  int result = SQLITE_OK;
  visit(order, [&](Column column) {
    ++parameter;
    if (result != SQLITE_OK) return;
    sqlite3_stmt* const to = statement.get();
    if ((columns_ & bit_of(column)) == 0) {
      result = sqlite3_bind_null(to, parameter);
      return;
    }
    const Cell& cell = cells_[static_cast<std::size_t>(column)];
    // An empty view may have no address, which SQLite takes for NULL.
    const char* const bytes = cell.bytes.empty() ? "" : cell.bytes.data();
    switch (cell.type) {
      case Cell::Type::kInteger: result = sqlite3_bind_int64(to, parameter, cell.integer); break;
      case Cell::Type::kReal: result = sqlite3_bind_double(to, parameter, cell.real); break;
      case Cell::Type::kText:
        result = sqlite3_bind_text64(to, parameter, bytes, cell.bytes.size(), nullptr, SQLITE_UTF8);
        break;
      case Cell::Type::kBytes:
        result = sqlite3_bind_blob64(to, parameter, bytes, cell.bytes.size(), nullptr);
        break;
    }
  });
  return result;
}

}  // namespace penstock
