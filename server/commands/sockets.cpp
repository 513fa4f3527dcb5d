#include "server/commands/sockets.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <thread>

#include "server/commands/sockets_table.h"
#include "server/commands/stop_signals.h"
#include "server/commands/top/terminal.h"
#include "server/exit_status.h"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr std::size_t kPlainColumns = 100;  // where the output is no terminal
constexpr std::size_t kFewestColumns = 80;
constexpr int kEscape = 27;

std::string path_of(const SocketsCommandOptions& options, std::optional<std::size_t> limit) {
  std::string path = "/api/sockets";
  const auto add = [&](const char* name, const std::string& value) {
    add_parameter(path, name, value);
  };
  if (!options.sort.empty()) {
    const std::string field = sort_field(options.sort);
    add("sort", (is_largest_first(field) != options.reverse ? "-" : "") + field);
  }
  add("listener", options.listener);
  add("peer", options.peer);
  add("state", options.state);
  add("kind", options.kind);
  if (options.paused) add("paused", "1");
  if (limit) add("limit", std::to_string(*limit));
  return path;
}

int failed(const Error& error) { return command_failed("sockets", error); }

std::size_t output_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return kPlainColumns;
  return std::max<std::size_t>(size.ws_col, kFewestColumns);
}

Result<void> print(AdminClient& client, const SocketsCommandOptions& options) {
  const auto answer = client.get(path_of(options, options.limit));
  if (!answer) return tl::unexpected(answer.error());
  if (options.json) {
    std::fputs(answer->body.c_str(), stdout);
    return {};
  }
  const auto lines = sockets_table(answer->body, output_columns());
  if (!lines) return tl::unexpected(lines.error());
  for (const std::string& line : *lines) std::puts(line.c_str());
  return {};
}

/// Looks one below the other, until a signal or until nobody reads them.
int print_again_and_again(AdminClient& client, const SocketsCommandOptions& options) {
  while (!stop_asked()) {
    if (const auto printed = print(client, options); !printed) return failed(printed.error());
    if (!options.json) std::puts("");
    if (std::fflush(stdout) != 0) break;
    std::this_thread::sleep_for(Seconds(*options.watch_seconds));
  }
  return kExitOk;
}

/// As many rows as the screen has lines. What the server no longer says is replaced by why.
std::vector<Line> screen(AdminClient& client, const SocketsCommandOptions& options,
                         const Terminal& terminal) {
  const std::size_t room = terminal.lines() > 2 ? terminal.lines() - 2 : 1;
  const auto answer = client.get(path_of(options, std::min(options.limit.value_or(room), room)));
  const auto table = answer
                         ? sockets_table(answer->body, std::max(terminal.columns(), kFewestColumns))
                         : tl::unexpected(answer.error());
  if (!table) return {Line{Span{table.error().message, Style::kBad}}};
  std::vector<Line> lines;
  for (const std::string& text : *table)
    lines.push_back({Span{text, lines.empty() ? Style::kHeader : Style::kPlain}});
  return lines;
}

void watch_on_terminal(AdminClient& client, const SocketsCommandOptions& options) {
  constexpr std::chrono::milliseconds kLongestWait{500};  // then a signal is looked for
  const auto interval =
      std::chrono::ceil<std::chrono::milliseconds>(Seconds(*options.watch_seconds));
  Terminal terminal;
  auto next = Clock::now();
  while (!stop_asked()) {
    if (Clock::now() >= next) {
      terminal.show(screen(client, options, terminal), "q quit");
      next = Clock::now() + interval;
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    const int key = terminal.key(std::clamp(left, std::chrono::milliseconds(0), kLongestWait));
    if (key == 'q' || key == 'Q' || key == kEscape) return;
    if (key == Terminal::kResized) next = Clock::now();
  }
}

}  // namespace

CLI::App* add_sockets_command(CLI::App& cli, SocketsCommandOptions& options) {
  CLI::App* sockets = cli.add_subcommand(
      "sockets", "every socket of the running server, as ss shows them: what waits in it, and why");
  add_admin_options(*sockets, options.admin);
  sockets
      ->add_option(
          "--sort", options.sort,
          "by a column (state, recv-q, send-q, drops, url, peer, rate, age, idle, paused) or "
          "a field of the JSON; of numbers the largest first")
      ->type_name("FIELD");
  sockets->add_flag("-r,--reverse", options.reverse, "with --sort: the other way round");
  sockets->add_option("--listener", options.listener, "only sockets of this listener")
      ->type_name("NAME");
  sockets->add_option("--peer", options.peer, "only peers whose address or command has TEXT in it")
      ->type_name("TEXT");
  sockets->add_option("--state", options.state, "only this state: ESTAB, LISTEN, CLOSE-WAIT, ...")
      ->type_name("STATE");
  sockets->add_option("--kind", options.kind, "only listening, connection or datagram")
      ->check(CLI::IsMember({"listening", "connection", "datagram"}));
  sockets->add_flag("--paused", options.paused, "only those that are not read at the moment");
  sockets->add_option("--limit", options.limit, "at most this many")->type_name("N");
  sockets->add_flag("--json", options.json, "the document of /api/sockets");
  sockets
      ->add_option("--watch", options.watch_seconds,
                   "look again every SECONDS (1), until q or Ctrl-C")
      ->expected(0, 1)
      ->default_str("1")
      ->check(CLI::Range(0.1, 3600.0))
      ->type_name("SECONDS");
  return sockets;
}

int sockets_command(const SocketsCommandOptions& options) {
  auto client = AdminClient::open(options.admin);
  if (!client) return failed(client.error());
  if (!options.watch_seconds) {
    const auto printed = print(*client, options);
    return printed ? kExitOk : failed(printed.error());
  }
  watch_stop_signals();
  if (options.json || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return print_again_and_again(*client, options);
  if (const auto reached = client->get(path_of(options, 0)); !reached)
    return failed(reached.error());
  watch_on_terminal(*client, options);
  return kExitOk;
}

}  // namespace penstock
