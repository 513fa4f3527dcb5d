#pragma once

#include <string>

namespace CLI {
class App;
}

namespace penstock {

struct QueueCommandOptions {
  enum class Action { kNone, kStat, kCheck, kDump };

  Action action = Action::kNone;
  std::string directory;
  bool all = false;  ///< dump: delivered records that are still in the files as well
};

/// Adds `queue stat|check|dump DIR`.
CLI::App* add_queue_command(CLI::App& cli, QueueCommandOptions& options);

/// Looks into a queue on disk, whether a server has it open or not; changes nothing. `stat`: how much waits. `check`:
/// each segment, exit 1 where something is damaged or missing. `dump`: the waiting records, in the quarantine's form,
/// which `penstock send --replay` sends. Exit 1 where the directory cannot be read or is no queue's.
int queue_command(const QueueCommandOptions& options);

}  // namespace penstock
