#include "server/sinks/influx_walk.h"

namespace penstock {

bool InfluxWalk::take(std::string_view bytes) {
  line_ += bytes;
  std::string_view left = line_;
  for (;;) {
    const FrameResult found = framer_.next(left);
    if (found.consumed == 0) break;
    left.remove_prefix(found.consumed);
    at_ += static_cast<std::int64_t>(found.consumed);
    if (!framer_.skipping()) whole_ = at_;
  }
  line_.erase(0, line_.size() - left.size());
  return true;
}

std::string_view InfluxWalk::ending() const noexcept {
  return std::string_view("\"\" (torn)\n").substr(2 - framer_.closing_quotes());
}

}  // namespace penstock
