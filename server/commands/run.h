#pragma once

#include <string>

namespace penstock {

/// The file to use: `given`, or conf/penstock.toml below the current directory, else /etc/penstock/penstock.toml.
std::string config_path(const std::string& given);

/// `penstock run`: serves in the foreground until SIGTERM or SIGINT. Gives the exit status.
int run_command(const std::string& config_file);

}  // namespace penstock
