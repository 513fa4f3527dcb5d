#include "server/commands/stop_signals.h"

#include <csignal>

namespace penstock {
namespace {

volatile std::sig_atomic_t asked = 0;

}  // namespace

void watch_stop_signals() {
  const auto ask = [](int) { asked = 1; };
  std::signal(SIGINT, ask);
  std::signal(SIGTERM, ask);
  std::signal(SIGPIPE, SIG_IGN);
}

bool stop_asked() noexcept { return asked != 0; }

}  // namespace penstock
