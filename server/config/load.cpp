#include "server/config/load.h"

#include <algorithm>
#include <tuple>

#include "server/config/checks.h"
#include "server/config/draft.h"
#include "server/config/read_file.h"
#include "server/config/shown_text.h"
#include "server/config/text.h"
#include "server/config/toml_reader.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{4} << 20;

// In file order; what stands nowhere comes last.
bool is_before(const Problem& a, const Problem& b) {
  return std::make_tuple(a.place.line == 0, a.place.line, a.place.column) <
         std::make_tuple(b.place.line == 0, b.place.line, b.place.column);
}

void check(Draft& draft) {
  check_server(draft);
  check_names(draft);
  check_routes(draft);
  check_listeners(draft);
  check_protocol(draft);
  check_collectd(draft);
  check_framing(draft);
  check_http_sinks(draft);
  check_encodings(draft);
  check_sinks(draft);
  check_sqlite_sinks(draft);
  check_kafka_sinks(draft);
  check_nats_sinks(draft);
  check_queues(draft);
  check_relay_sinks(draft);
  check_paths(draft);
}

}  // namespace

Loaded load_text(std::string_view text, std::string file) {
  Draft draft;
  draft.config.file = std::move(file);
  const auto root = parse_toml(text);
  if (!root) return {std::move(draft.config), {root.error()}};
  draft.config.shown_text = shown_text(text, *root);
  read_tables(*root, draft);
  check(draft);
  std::stable_sort(draft.problems.begin(), draft.problems.end(), is_before);
  return {std::move(draft.config), std::move(draft.problems)};
}

Loaded load_file(const std::string& path) {
  const auto text = read_file(path, kMaxFileBytes);
  if (text) return load_text(*text, path);
  Loaded failed;
  failed.config.file = path;
  failed.problems.push_back({{}, "cannot read the config file: " + text.error().message});
  return failed;
}

}  // namespace penstock::config
