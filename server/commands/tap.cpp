#include "server/commands/tap.h"

#include <poll.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <thread>

#include "server/commands/tap_output.h"
#include "server/exit_status.h"

namespace penstock {
namespace {

constexpr unsigned kMostRate = 10'000;

/// False: nobody reads it.
bool write_out(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string path_of(const TapCommandOptions& options) {
  std::string path = "/api/tap";
  add_parameter(path, "format", options.json ? "json" : "text");
  add_parameter(path, "rate", std::to_string(options.rate));
  add_parameter(path, "listener", options.listener);
  add_parameter(path, "peer", options.peer);
  add_parameter(path, "contains", options.contains);
  return path;
}

/// There is nothing to be finished, and the next bytes may never come.
void end_at_signals() {
  struct sigaction action {};
  action.sa_handler = [](int) { ::_exit(kExitOk); };
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGPIPE, SIG_IGN);  // EPIPE instead
}

/// `| head` has seen enough: said here, for the next record, whose write would fail, may be hours away.
void end_with_the_reader() {
  std::thread([] {
    pollfd output{.fd = STDOUT_FILENO, .events = 0, .revents = 0};
    while (::poll(&output, 1, -1) < 0 && errno == EINTR) {
    }
    ::_exit(kExitOk);
  }).detach();
}

}  // namespace

CLI::App* add_tap_command(CLI::App& cli, TapCommandOptions& options) {
  CLI::App* tap = cli.add_subcommand(
      "tap",
      "show a sample of the records that a listener of the running server takes, as they come");
  tap->add_option("listener", options.listener, "its name; not needed where there is only one")
      ->type_name("LISTENER");
  tap->add_option("--peer", options.peer,
                  "only records whose sender (address:port or pid=..,uid=..) has TEXT in it")
      ->type_name("TEXT");
  tap->add_option("--contains", options.contains, "only records that have TEXT in them")
      ->type_name("TEXT");
  tap->add_option("--rate", options.rate, "records a second at most (default: 100)")
      ->type_name("N")
      ->check(CLI::Range(1u, kMostRate));
  tap->add_option("--count", options.count, "end after N records")
      ->type_name("N")
      ->check(CLI::PositiveNumber);
  tap->add_flag("--json", options.json, "as a sink with encoding = \"json\" writes them");
  add_admin_options(*tap, options.admin);
  return tap;
}

int tap_command(const TapCommandOptions& options) {
  end_at_signals();
  auto client = AdminClient::open(options.admin);
  if (!client) return command_failed("tap", client.error());
  end_with_the_reader();
  bool ended_here = false;
  TapOutput output(
      {.json = options.json, .to_terminal = ::isatty(STDOUT_FILENO) != 0, .count = options.count},
      write_out,
      [](const std::string& note) { std::fprintf(stderr, "penstock tap: %s\n", note.c_str()); });
  const auto done = client->stream(path_of(options), [&](std::string_view bytes) {
    ended_here = !output.take(bytes);
    return !ended_here;
  });
  if (!done) return command_failed("tap", done.error());
  if (!ended_here) std::fputs("penstock tap: the server has stopped\n", stderr);
  return kExitOk;
}

}  // namespace penstock
