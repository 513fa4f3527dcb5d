#include <CLI/CLI.hpp>
#include <cstdio>

#include "server/commands/check.h"
#include "server/commands/run.h"
#include "server/commands/send/command.h"
#include "server/exit_status.h"
#include "server/log/standard_descriptors.h"

int main(int argc, char** argv) {
  using namespace penstock;
  if (!log::fill_standard_descriptors()) {
    std::perror("penstock: a standard descriptor is closed, and /dev/null");
    return kExitFailed;
  }
  CLI::App cli{
      "Penstock: an ingestion endpoint. What it read is delivered or counted, and it stops without "
      "a reset.",
      "penstock"};
  cli.set_version_flag("--version,-V", "penstock " PENSTOCK_VERSION);
  cli.require_subcommand(1);

  std::string config_file;
  const char* config_help =
      "config file (default: conf/penstock.toml, else /etc/penstock/penstock.toml)";
  CLI::App* run = cli.add_subcommand(
      "run",
      "serve in the foreground, log to stderr; SIGTERM or SIGINT stops, SIGHUP reopens files");
  run->add_option("-c,--config", config_file, config_help)->type_name("FILE");
  CLI::App* check =
      cli.add_subcommand("check", "check the config file and say all that is wrong with it");
  check->add_option("-c,--config", config_file, config_help)->type_name("FILE");
  bool bind = false;
  check->add_flag("--bind", bind, "also resolve and test-bind each URL, and report buffer sizes");
  SendOptions send_options;
  CLI::App* send = add_send_command(cli, send_options);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (run->parsed()) return run_command(config_file);
  if (send->parsed()) return run_send(send_options);
  return check_command(config_file, bind);
}
