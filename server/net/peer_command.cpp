#include "server/net/peer_command.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <string_view>

#include "server/net/unique_fd.h"

namespace penstock {

void read_command(Peer& peer) noexcept {
  if (peer.kind != Peer::Kind::kUnix || peer.pid <= 0) return;
  std::array<char, 32> path{};
  std::snprintf(path.data(), path.size(), "/proc/%d/comm", static_cast<int>(peer.pid));
  const UniqueFd fd(::open(path.data(), O_RDONLY | O_CLOEXEC));
  if (!fd) return;
  std::array<char, 64> text{};
  const ssize_t got = ::read(fd.get(), text.data(), text.size());
  if (got <= 0) return;
  // The kernel puts one LF behind the name, which may hold others of its own.
  std::string_view name(text.data(), static_cast<std::size_t>(got));
  if (name.ends_with('\n')) name.remove_suffix(1);
  set_command(peer, name);
}

void CommandCache::add_command(Peer& peer, std::chrono::milliseconds now) noexcept {
  if (peer.kind != Peer::Kind::kUnix || peer.pid <= 0) return;
  Entry& entry = entries_[static_cast<std::size_t>(peer.pid) % kEntries];
  if (entry.pid == peer.pid && now < entry.expires) {
    peer.address = entry.command;
    return;
  }
  read_command(peer);
  entry = {peer.pid, now + kLifetime, peer.address};
}

}  // namespace penstock
