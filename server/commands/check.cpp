#include "server/commands/check.h"

#include <algorithm>
#include <cstdio>

#include "server/commands/run.h"
#include "server/config/load.h"
#include "server/exit_status.h"
#include "server/net/check_admin.h"
#include "server/net/check_listen.h"
#include "server/net/check_relay.h"

namespace penstock {

std::optional<config::Config> load_and_report(const std::string& config_file) {
  config::Loaded loaded = config::load_file(config_path(config_file));
  const config::Problems listen = check_listen(loaded.config);
  const config::Problems admin = check_admin(loaded.config);
  const config::Problems relay = check_relay(loaded.config);
  loaded.problems.insert(loaded.problems.end(), listen.begin(), listen.end());
  loaded.problems.insert(loaded.problems.end(), admin.begin(), admin.end());
  loaded.problems.insert(loaded.problems.end(), relay.begin(), relay.end());
  std::stable_sort(loaded.problems.begin(), loaded.problems.end(),
                   [](const auto& a, const auto& b) {
                     return a.place.line != b.place.line ? a.place.line < b.place.line
                                                         : a.place.column < b.place.column;
                   });
  bool usable = true;
  for (const config::Problem& problem : loaded.problems) {
    std::fprintf(stderr, "%s\n", config::to_string(config_path(config_file), problem).c_str());
    usable = usable && problem.warning;
  }
  if (!usable) return std::nullopt;
  return std::move(loaded.config);
}

namespace {

/// Binds each URL for a moment and says how that went. False when `penstock run` would fail.
bool test_bind_and_report(const config::Config& config) {
  bool usable = true;
  for (const BindReport& report : test_bind(config)) {
    std::printf("%s\n", config::to_string(config.file, {report.place, to_string(report)}).c_str());
    usable = usable && report.verdict != BindReport::Verdict::kError;
  }
  return usable;
}

}  // namespace

int check_command(const std::string& config_file, bool bind) {
  const auto config = load_and_report(config_file);
  if (!config) return kExitUsage;
  if (bind && !test_bind_and_report(*config)) return kExitUsage;
  std::printf("%s: ok\n", config_path(config_file).c_str());
  return kExitOk;
}

}  // namespace penstock
