#include "server/commands/run.h"

#include <filesystem>

#include "server/app.h"
#include "server/commands/check.h"
#include "server/commands/try_hint.h"
#include "server/exit_status.h"
#include "server/log/log.h"

namespace penstock {
namespace {

log::Level level_of(config::LogLevel level) {
  switch (level) {
    case config::LogLevel::kDebug: return log::Level::kDebug;
    case config::LogLevel::kInfo: return log::Level::kInfo;
    case config::LogLevel::kWarn: return log::Level::kWarn;
    case config::LogLevel::kError: break;
  }
  return log::Level::kError;
}

}  // namespace

std::string config_path(const std::string& given) {
  if (!given.empty()) return given;
  std::error_code error;
  const std::string local = "conf/penstock.toml";
  return std::filesystem::exists(local, error) ? local : "/etc/penstock/penstock.toml";
}

int run_command(const std::string& config_file) {
  const auto config = load_and_report(config_file);
  if (!config) return kExitUsage;
  log::setup(level_of(config->server.log_level),
             config->server.log_format == config::LogFormat::kJson ? log::Format::kJson
                                                                   : log::Format::kText);
  auto app = App::create();
  if (!app) {
    log::error(app.error().message);
    return kExitFailed;
  }
  if (auto started = (*app)->apply(*config); !started) {
    log::error(started.error().message);
    return kExitFailed;
  }
  if (const std::string hint = try_hint((*app)->urls()); !hint.empty())
    log::info("try it: " + hint);
  return (*app)->serve();
}

}  // namespace penstock
