#include "server/admin/status.h"

namespace penstock {

std::string_view to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::kStarting: return "starting";
    case Phase::kServing: return "serving";
    case Phase::kReading:
    case Phase::kFlushing: return "draining";
    case Phase::kEnded: break;
  }
  return "ended";
}

KernelTotals& KernelTotals::operator+=(const KernelTotals& other) noexcept {
  receive_queue_bytes += other.receive_queue_bytes;
  send_queue_bytes += other.send_queue_bytes;
  accept_queue += other.accept_queue;
  backlog += other.backlog;
  receive_buffer_bytes += other.receive_buffer_bytes;
  return *this;
}

}  // namespace penstock
