#include <memory>

#include "protocols/collectd/tables.h"
#include "server/config/checks.h"
#include "server/config/read_file.h"

namespace penstock::config {
namespace {

using collectd::Tables;
using Security = CollectdOptions::Security;
using ParseFile = collectd::FileProblem (*)(std::string_view, Tables&);

constexpr std::size_t kMostFileBytes = std::size_t{16} << 20;

/// What keeps the file from being used; empty: nothing. Never shows what is in it.
std::string read_into(const std::string& path, ParseFile parse, Tables& tables) {
  const auto text = read_file(path, kMostFileBytes);
  if (!text) return path + ": " + text.error().message;
  const collectd::FileProblem found = parse(*text, tables);
  if (!found.problem) return {};
  return path + ": line " + std::to_string(found.line) + ": " + found.problem.why;
}

/// Without the key the usual file is read where it is; what is wrong with it is no mistake of the configuration.
void read_types(const CollectdOptions& options, const TableSource& source, Tables& tables,
                Problems& problems) {
  if (options.types_db.empty()) {
    Tables usual;
    if (read_into(CollectdOptions::kUsualTypesDb, collectd::parse_types_db, usual).empty())
      tables.types = std::move(usual.types);
    return;
  }
  const std::string why = read_into(options.types_db, collectd::parse_types_db, tables);
  if (!why.empty())
    source.error(problems, source.place_of("collectd.types_db"), "collectd.types_db", why);
}

void read_users(const CollectdOptions& options, const TableSource& source, Tables& tables,
                Problems& problems) {
  if (options.auth_file.empty()) {
    if (options.security != Security::kNone)
      source.error(problems, source.place_of("collectd.security"), "collectd.security",
                   "nobody can be known without collectd.auth_file");
    return;
  }
  const std::string why = read_into(options.auth_file, collectd::parse_auth_file, tables);
  if (!why.empty())
    source.error(problems, source.place_of("collectd.auth_file"), "collectd.auth_file", why);
}

}  // namespace

void check_collectd(Draft& draft) {
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    Listener& listener = draft.config.listeners[i];
    const TableSource& source = draft.listeners[i];
    if (listener.protocol != "collectd" || !source.sound("protocol")) continue;
    CollectdOptions& options = listener.of_protocol.collectd;
    auto tables = std::make_shared<Tables>();
    read_types(options, source, *tables, draft.problems);
    read_users(options, source, *tables, draft.problems);
    options.tables = std::move(tables);
  }
}

}  // namespace penstock::config
