#include "server/commands/top.h"

#include <unistd.h>

#include <cstdio>
#include <thread>

#include "server/commands/stop_signals.h"
#include "server/commands/top/terminal.h"
#include "server/commands/top/view.h"
#include "server/exit_status.h"

namespace penstock {
namespace {

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

constexpr int kMaxPeers = 1000;
constexpr int kEscapeKey = 27;

/// The server, look by look.
class Watcher {
 public:
  explicit Watcher(AdminClient client) : client_(std::move(client)) {}

  /// The error of the first look is the command's; later ones are shown, and the server may come back.
  Result<void> look() {
    const auto answer = client_.get("/api/status");
    if (!answer) return note(answer.error());
    auto sample = parse_sample(answer->body);
    if (!sample) return note(sample.error());
    const auto now = Clock::now();
    if (has_looked_ && sample->pid == looks_.now.pid) {
      looks_.before = std::move(looks_.now);
      looks_.seconds = Seconds(now - looked_at_).count();
    } else {
      looks_.before.reset();  // another process counts from zero
    }
    looks_.now = std::move(*sample);
    looks_.trouble.clear();
    looked_at_ = now;
    has_looked_ = true;
    look_at_peers();
    return {};
  }

  const Looks& looks() const noexcept { return looks_; }

 private:
  void look_at_peers() {
    const auto answer = client_.get("/api/sockets?kind=connection&sort=-bytes_per_second&limit=" +
                                    std::to_string(kMaxPeers));
    auto peers = answer ? parse_peers(answer->body) : std::vector<PeerSample>();
    if (peers) looks_.peers = std::move(*peers);
  }

  Result<void> note(const Error& error) {
    looks_.trouble = error.message;
    return tl::unexpected(error);
  }

  AdminClient client_;
  Looks looks_;
  Clock::time_point looked_at_;
  bool has_looked_ = false;
};

void print(const Looks& looks) {
  for (const Line& line : view(looks, {.columns = 160, .lines = 0}))
    std::puts(to_text(line).c_str());
}

/// The first rates take two looks.
int print_looks(Watcher& watcher, const TopOptions& options) {
  for (bool first = true; !stop_asked(); first = false) {
    std::this_thread::sleep_for(Seconds(options.interval_seconds));
    if (stop_asked()) break;
    if (const auto looked = watcher.look(); !looked) return command_failed("top", looked.error());
    if (!first) std::puts("");
    print(watcher.looks());
    if (std::fflush(stdout) != 0) return kExitOk;  // its reader has gone
    if (options.once) break;
  }
  return kExitOk;
}

/// What the keys change.
class Screen {
 public:
  Screen(Watcher& watcher, std::chrono::milliseconds interval)
      : watcher_(watcher), interval_(interval) {}

  void run() {
    auto next = Clock::now() + interval_;
    while (!stop_asked() && !done_) {
      draw();
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
      take(terminal_.key(std::clamp(left, std::chrono::milliseconds(0), kLongestWait)));
      if (Clock::now() < next) continue;
      next = Clock::now() + interval_;
      if (!options_.frozen) (void)watcher_.look();
    }
  }

 private:
  static constexpr std::chrono::milliseconds kLongestWait{500};  // then a signal is looked for

  void draw() {
    options_.columns = terminal_.columns();
    options_.lines = terminal_.lines();
    terminal_.show(view(watcher_.looks(), options_), bottom());
  }

  std::string bottom() const {
    if (typing_) return "filter: " + options_.filter + "_   (Enter keeps it, Esc removes it)";
    std::string text = "q quit  s sort: " + std::string(to_string(options_.sort)) + "  / filter" +
                       (options_.filter.empty() ? "" : ": " + options_.filter) +
                       "  space hold  arrows scroll";
    return text;
  }

  void take(int key) {
    if (typing_) return take_typed(key);
    switch (key) {
      case 'q':
      case 'Q': done_ = true; return;
      case 's':
        options_.sort = static_cast<PeerSort>((static_cast<int>(options_.sort) + 1) %
                                              static_cast<int>(PeerSort::kCount));
        return;
      case '/': typing_ = true; return;
      case ' ': options_.frozen = !options_.frozen; return;
      case Terminal::kDown: return scroll(1);
      case Terminal::kUp: return scroll(-1);
      case Terminal::kPageDown: return scroll(10);
      case Terminal::kPageUp: return scroll(-10);
      default: return;
    }
  }

  void take_typed(int key) {
    if (key == '\n' || key == '\r') {
      typing_ = false;
    } else if (key == kEscapeKey) {
      typing_ = false;
      options_.filter.clear();
    } else if (key == Terminal::kBackspace) {
      if (!options_.filter.empty()) options_.filter.pop_back();
    } else if (key >= ' ' && key <= '~') {
      options_.filter += static_cast<char>(key);
    }
  }

  void scroll(int lines) {
    const auto last = static_cast<long>(watcher_.looks().peers.size());
    const long first = static_cast<long>(options_.first_peer) + lines;
    options_.first_peer = static_cast<std::size_t>(std::clamp(first, 0L, std::max(last - 1, 0L)));
  }

  Watcher& watcher_;
  const std::chrono::milliseconds interval_;
  Terminal terminal_;
  ViewOptions options_;
  bool typing_ = false, done_ = false;
};

}  // namespace

int top_command(const TopOptions& options) {
  auto client = AdminClient::open(options.admin);
  if (!client) return command_failed("top", client.error());
  Watcher watcher(std::move(*client));
  if (const auto looked = watcher.look(); !looked) return command_failed("top", looked.error());
  watch_stop_signals();
  if (options.once || ::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return print_looks(watcher, options);
  Screen(watcher, std::chrono::ceil<std::chrono::milliseconds>(Seconds(options.interval_seconds)))
      .run();
  return kExitOk;
}

}  // namespace penstock
