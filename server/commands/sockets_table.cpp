#include "server/commands/sockets_table.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "server/commands/answer_json.h"
#include "server/commands/top/units.h"
#include "server/log/escape.h"

namespace penstock {
namespace {

using rapidjson::Value;

enum Column : std::size_t {
  kState,
  kReceiveQueue,
  kSendQueue,
  kDrops,
  kUrl,
  kPeer,
  kRate,
  kAge,
  kIdle,
  kPaused,
  kColumns
};

struct ColumnInfo {
  std::string_view name, field;
  bool is_number;
};
constexpr std::array<ColumnInfo, kColumns> kInfo = {{
    {"STATE", "state", false},
    {"RECV-Q", "receive_queue_bytes", true},
    {"SEND-Q", "send_queue_bytes", true},
    {"DROPS", "kernel_drops", true},
    {"URL", "url", false},
    {"PEER", "peer", false},
    {"RATE/S", "bytes_per_second", true},
    {"AGE", "age_seconds", true},
    {"IDLE", "idle_seconds", true},
    {"PAUSED", "paused_seconds", false},  // a number in text
}};

/// What is left of a URL or peer in a narrow table.
constexpr std::size_t kShortestText = 12;

using Cells = std::array<std::string, kColumns>;

/// For a terminal.
std::string text(const Value& row, const char* name) {
  std::string safe;
  log::append_plain(safe, text_member(row, name));
  return safe;
}

/// `-` where the server does not know it.
std::string cell(const Value& row, const char* name, std::string (*show)(double)) {
  const Value& value = member(row, name);
  return value.IsNumber() ? show(value.GetDouble()) : "-";
}

std::string whole_number(double number) {
  return std::to_string(static_cast<std::uint64_t>(number));
}

/// Of a unix peer its command where that is known: `logger[4711]`, else its credentials.
std::string peer_cell(const Value& row) {
  const std::string peer = text(row, "peer"), command = text(row, "command");
  if (command.empty()) return peer.empty() ? "-" : peer;
  const std::size_t begin = peer.find('=') + 1;
  return command + '[' + peer.substr(begin, peer.find(',') - begin) + ']';
}

/// Since when and by what; of one that goes another way than to be served, which one.
std::string paused_cell(const Value& row) {
  const Value& since = member(row, "paused_seconds");
  if (since.IsNumber()) return short_time(since.GetDouble()) + ' ' + text(row, "paused_by");
  const std::string phase = text(row, "phase");
  return phase == "serving" ? "-" : phase;
}

Cells cells_of(const Value& row) {
  const bool listening = text(row, "kind") == "listening";
  const std::string state = text(row, "state");
  Cells cells;
  cells[kState] = state.empty() ? "-" : state;
  cells[kReceiveQueue] = listening ? cell(row, "accept_queue", whole_number)
                                   : cell(row, "receive_queue_bytes", short_bytes);
  cells[kSendQueue] =
      listening ? cell(row, "backlog", whole_number) : cell(row, "send_queue_bytes", short_bytes);
  cells[kDrops] = cell(row, "kernel_drops", short_number);
  cells[kUrl] = text(row, "url");
  cells[kPeer] = peer_cell(row);
  cells[kRate] = listening ? "-" : cell(row, "bytes_per_second", short_bytes);
  cells[kAge] = cell(row, "age_seconds", short_time);
  cells[kIdle] = cell(row, "idle_seconds", short_time);
  cells[kPaused] = paused_cell(row);
  return cells;
}

using Widths = std::array<std::size_t, kColumns>;

Widths widths_of(const std::vector<Cells>& rows, std::size_t columns) {
  Widths widths{};
  for (const Cells& row : rows) {
    for (std::size_t at = 0; at < kColumns; ++at) widths[at] = std::max(widths[at], row[at].size());
  }
  std::size_t needed = kColumns - 1;  // blanks between them
  for (const std::size_t width : widths) needed += width;
  for (std::size_t over = needed > columns ? needed - columns : 0; over > 0; --over) {
    const Column wider = widths[kUrl] >= widths[kPeer] ? kUrl : kPeer;
    if (widths[wider] <= kShortestText) break;
    --widths[wider];
  }
  return widths;
}

std::string cut(const std::string& text, std::size_t width, bool keep_end) {
  if (text.size() <= width) return text;
  if (keep_end) return ".." + text.substr(text.size() - (width - 2));
  return text.substr(0, width - 2) + "..";
}

std::string line_of(const Cells& row, const Widths& widths, std::size_t columns) {
  std::string line;
  for (std::size_t at = 0; at < kColumns; ++at) {
    const std::string shown = cut(row[at], widths[at], at == kUrl);
    const std::string fill(widths[at] - shown.size(), ' ');
    if (at != 0) line += ' ';
    line += kInfo[at].is_number ? fill + shown : shown + fill;
  }
  line.resize(std::min(line.size(), columns));
  line.erase(line.find_last_not_of(' ') + 1);
  return line;
}

std::string summary_of(const Value& document, std::size_t shown) {
  const Value& total = member(document, "total");
  const std::uint64_t all = total.IsUint64() ? total.GetUint64() : shown;
  std::string line = std::to_string(all) + (all == 1 ? " socket" : " sockets");
  if (shown < all) line = std::to_string(shown) + " of " + line;
  const Value& incomplete = member(document, "incomplete");
  if (incomplete.IsBool() && incomplete.GetBool())
    line += ", not all of them: a loop or the kernel did not answer in time";
  return line;
}

}  // namespace

Result<std::vector<std::string>> sockets_table(std::string_view json, std::size_t columns) {
  const auto document = parse_answer(json);
  if (!document) return tl::unexpected(document.error());
  if (!member(*document, "sockets").IsArray()) return fail(0, kNotUnderstood);
  std::vector<Cells> rows(1);
  for (std::size_t at = 0; at < kColumns; ++at) rows[0][at] = kInfo[at].name;
  for (const Value& row : member(*document, "sockets").GetArray())
    if (row.IsObject()) rows.push_back(cells_of(row));
  const Widths widths = widths_of(rows, columns);
  std::vector<std::string> lines;
  lines.reserve(rows.size() + 1);
  for (const Cells& row : rows) lines.push_back(line_of(row, widths, columns));
  lines.push_back(summary_of(*document, rows.size() - 1));
  return lines;
}

std::string sort_field(std::string_view name) {
  const auto same = [&](std::string_view column) {
    return std::equal(name.begin(), name.end(), column.begin(), column.end(), [](char a, char b) {
      return std::toupper(static_cast<unsigned char>(a)) == b;
    });
  };
  if (same("RATE")) return "bytes_per_second";
  for (const ColumnInfo& column : kInfo)
    if (same(column.name)) return std::string(column.field);
  return std::string(name);
}

bool is_largest_first(std::string_view field) {
  constexpr std::array<std::string_view, 9> kTexts = {
      "kind", "listener", "url", "id", "peer", "command", "state", "phase", "paused_by"};
  return std::find(kTexts.begin(), kTexts.end(), field) == kTexts.end();
}

}  // namespace penstock
