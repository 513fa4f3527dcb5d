#include "server/commands/drain.h"

#include <thread>

#include "server/exit_status.h"

namespace penstock {
namespace {

constexpr std::chrono::milliseconds kLook{100};

int order(const char* command, const std::string& path, const AdminOptions& options, bool wait) {
  auto client = AdminClient::open(options);
  if (!client) return command_failed(command, client.error());
  if (const auto answer = client->post(path); !answer)
    return command_failed(command, answer.error());
  while (wait && client->get("/healthz")) std::this_thread::sleep_for(kLook);
  return kExitOk;
}

}  // namespace

int drain_command(const AdminOptions& options, bool wait) {
  return order("drain", "/api/drain", options, wait);
}

int reopen_command(const AdminOptions& options) {
  return order("reopen", "/api/reopen", options, false);
}

}  // namespace penstock
