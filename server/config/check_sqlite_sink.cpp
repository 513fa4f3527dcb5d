#include <algorithm>
#include <array>

#include "server/config/checks.h"
#include "server/config/path_pattern.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::array<std::string_view, 4> kSqliteKeys = {"table", "retention", "max_rows",
                                                         "max_size"};
constexpr std::array<std::string_view, 4> kKeysOfFiles = {"rotate.size", "rotate.every",
                                                          "rotate.keep", "rotate.compress"};
constexpr std::array<std::string_view, 4> kKeysWithoutEffect = {"encoding", "newlines", "timezone",
                                                                "max_open_files"};

bool has_other_part(const std::string& text, bool is_table) {
  const auto parts = parse_path(text);
  return parts && std::any_of(parts->begin(), parts->end(), [&](const PathPart& part) {
           const bool named =
               part.kind == PathPart::Kind::kListener || part.kind == PathPart::Kind::kScheme;
           return part.kind != PathPart::Kind::kLiteral && !(is_table && named);
         });
}

/// Where the words may be a secret they are not repeated: parse_path quotes what is wrong.
void check_table(Draft& draft, const Sink& sink, const TableSource& source) {
  if (!source.has("table") || !source.sound("table")) return;
  const Item& item = source.item("table", 0);
  if (const auto parts = parse_path(sink.sqlite.table); !parts) {
    source.error(
        draft.problems, item.place, "table",
        item.expanded ? item.shown + " expands to no valid template" : parts.error().message);
  } else if (has_other_part(sink.sqlite.table, true)) {
    source.error(draft.problems, item.place, "table",
                 "expected a name with {listener} and {scheme} alone, got " + item.shown);
  }
}

/// SQLite keeps names that begin so for itself, whatever their case.
bool is_reserved(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return name.starts_with("sqlite_");
}

void check_names_of_tables(Draft& draft, const Sink& sink, const TableSource& source) {
  const bool by_listener = sink.sqlite.table.starts_with("{listener}");
  if (!by_listener && is_reserved(sink.sqlite.table))
    source.error(
        draft.problems, source.place_of("table"), "table",
        "expected a name that does not begin with \"sqlite_\", which SQLite keeps for itself");
  if (!by_listener) return;
  for (const Listener& listener : draft.config.listeners) {
    const bool used =
        contains(listener.sinks, sink.name) || contains(listener.best_effort_sinks, sink.name);
    if (!used || !is_reserved(listener.name)) continue;
    source.error(draft.problems, source.place_of("table"), "table",
                 "no table can be called as listener " + in_quotes(listener.name) +
                     " is: SQLite keeps names that begin with \"sqlite_\" for itself; expected "
                     "another beginning, such as \"of_{listener}\"");
  }
}

void check_sqlite_sink(Draft& draft, const Sink& sink, const TableSource& source) {
  if (!source.has("path")) {
    source.error(draft.problems, source.place, "path",
                 "missing, a sqlite sink needs one, such as \"data/penstock.db\"");
  } else if (source.sound("path") && has_other_part(sink.path, false)) {
    source.error(draft.problems, source.place_of("path"), "path",
                 "expected the path of one database without {...} and %..., got " +
                     source.item("path", 0).shown + "; `table` names a table a listener");
  }
  check_table(draft, sink, source);
  check_names_of_tables(draft, sink, source);
  if (sink.sync != Sync::kInterval && source.sound("sync") && source.has("sync_interval"))
    source.warn(draft.problems, source.keys.find("sync_interval")->second.key, "sync_interval",
                "no effect: sync is not \"interval\"");
  for (const auto key : kKeysOfFiles)
    source.error_if_given(
        draft.problems, key,
        "a sink of type \"sqlite\" has no file to rotate, only \"file\" has; `retention` "
        "removes old rows");
  for (const auto key : kKeysWithoutEffect) {
    source.warn_if_given(draft.problems, key,
                         "no effect: a sink of type \"sqlite\" writes rows, not files of records");
  }
}

}  // namespace

void check_sqlite_sinks(Draft& draft) {
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    const Sink& sink = draft.config.sinks[i];
    const TableSource& source = draft.sinks[i];
    if (!source.sound("type")) continue;
    if (sink.type == SinkType::kSqlite) {
      check_sqlite_sink(draft, sink, source);
      continue;
    }
    refuse_keys_of("sqlite", kSqliteKeys, source, draft.problems);
  }
}

}  // namespace penstock::config
