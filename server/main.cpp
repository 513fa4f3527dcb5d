#include <CLI/CLI.hpp>
#include <cstdio>

#include "server/commands/check.h"
#include "server/commands/drain.h"
#include "server/commands/queue.h"
#include "server/commands/run.h"
#include "server/commands/send/command.h"
#include "server/commands/sockets.h"
#include "server/commands/tap.h"
#include "server/commands/top.h"
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
  AdminOptions admin;
  CLI::App* drain = cli.add_subcommand(
      "drain", "the running server stops, as at SIGTERM: reads to the end, delivers, goes");
  add_admin_options(*drain, admin);
  bool wait = false;
  drain->add_flag("--wait", wait, "return when it is gone");
  CLI::App* reopen = cli.add_subcommand(
      "reopen", "the running server's sinks open their files anew, as at SIGHUP");
  add_admin_options(*reopen, admin);
  TopOptions top_options;
  CLI::App* top = cli.add_subcommand(
      "top", "where bytes wait in the running server, live: listeners, sinks, peers");
  add_admin_options(*top, top_options.admin);
  top->add_option("--interval", top_options.interval_seconds, "seconds between two looks")
      ->check(CLI::Range(0.1, 3600.0));
  top->add_flag("--once", top_options.once, "print one look as text and end");
  SendOptions send_options;
  TapCommandOptions tap_options;
  CLI::App* tap = add_tap_command(cli, tap_options);
  SocketsCommandOptions sockets_options;
  CLI::App* sockets = add_sockets_command(cli, sockets_options);
  QueueCommandOptions queue_options;
  CLI::App* queue = add_queue_command(cli, queue_options);
  CLI::App* send = add_send_command(cli, send_options);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return cli.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (run->parsed()) return run_command(config_file);
  if (send->parsed()) return run_send(send_options);
  if (queue->parsed()) return queue_command(queue_options);
  if (sockets->parsed()) return sockets_command(sockets_options);
  if (tap->parsed()) return tap_command(tap_options);
  if (top->parsed()) return top_command(top_options);
  if (drain->parsed()) return drain_command(admin, wait);
  if (reopen->parsed()) return reopen_command(admin);
  return check_command(config_file, bind);
}
