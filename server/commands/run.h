#pragma once

#include <string>

namespace penstock {

/// Exit statuses of the commands (DESIGN.md section 1).
inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    ///< failed to start, nothing left behind
inline constexpr int kExitUsage = 2;     ///< bad config or usage
inline constexpr int kExitLeftOver = 3;  ///< stopped, not everything was delivered

/// The file to use: `given`, or conf/penstock.toml below the current directory, else /etc/penstock/penstock.toml.
std::string config_path(const std::string& given);

/// `penstock run`: serves in the foreground until SIGTERM or SIGINT.
int run_command(const std::string& config_file);

}  // namespace penstock
