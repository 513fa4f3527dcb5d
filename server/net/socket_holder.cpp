#include "server/net/socket_holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>

#include "server/net/unix_socket_file.h"

namespace penstock {
namespace {

/// One line of /proc/net/{tcp,udp}{,6} that matters here.
struct InetRow {
  bool v6 = false;
  std::array<unsigned, 4> address{};  // as printed: 32-bit words in host order of network bytes
  unsigned port = 0;
  unsigned state = 0;
  uid_t uid = 0;
  unsigned long inode = 0;

  bool wildcard() const noexcept { return address == std::array<unsigned, 4>{}; }
};

bool parse_row(const std::string& line, bool v6, InetRow& row) {
  char local[33] = {};
  row = {.v6 = v6};
  if (std::sscanf(line.c_str(),
                  " %*d: %32[0-9A-F]:%x %*[0-9A-F]:%*x %x %*x:%*x %*x:%*x %*x %u %*d %lu", local,
                  &row.port, &row.state, &row.uid, &row.inode) < 5) {
    return false;
  }
  const std::size_t words = v6 ? 4 : 1;
  if (std::strlen(local) != words * 8) return false;
  for (std::size_t i = 0; i < words; ++i) {
    row.address[i] =
        static_cast<unsigned>(std::strtoul(std::string(local + i * 8, 8).c_str(), nullptr, 16));
  }
  return true;
}

std::array<unsigned, 4> words_of(const SocketAddress& address) noexcept {
  std::array<unsigned, 4> words{};
  if (address.family() == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    words[0] = v4.sin_addr.s_addr;
  } else {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::memcpy(words.data(), &v6.sin6_addr, sizeof words);
  }
  return words;
}

/// Could this socket keep us from binding? An AF_INET6 wildcard may be dual-stack: the table does not tell.
bool in_the_way(const InetRow& row, const SocketAddress& wanted, bool tcp) noexcept {
  constexpr unsigned kListen = 0x0a;
  if (row.port != port_of(wanted) || row.inode == 0 || (tcp && row.state != kListen)) return false;
  const bool wants_v6 = wanted.family() == AF_INET6;
  if (row.v6 == wants_v6)
    return row.wildcard() || is_wildcard(wanted) || row.address == words_of(wanted);
  return row.v6 ? row.wildcard() : is_wildcard(wanted) && !wanted.v6_only;
}

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

std::string read_link(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size > 0 ? std::string(target, static_cast<std::size_t>(size)) : std::string();
}

bool has_open(const std::string& process, const std::string& socket) {
  const Directory descriptors(opendir((process + "/fd").c_str()));
  if (!descriptors) return false;
  while (const dirent* entry = readdir(descriptors.get())) {
    if (read_link(process + "/fd/" + entry->d_name) == socket) return true;
  }
  return false;
}

std::string program_of(const std::string& process) {
  std::string path = read_link(process + "/exe");
  constexpr std::string_view kGone = " (deleted)";  // the file was replaced by an upgrade
  if (path.size() > kGone.size() &&
      path.compare(path.size() - kGone.size(), kGone.size(), kGone) == 0) {
    path.resize(path.size() - kGone.size());
  }
  return path.substr(path.rfind('/') + 1);
}

/// Fills in the process that has socket `inode` open, where one is visible.
void find_process(unsigned long inode, SocketHolder& holder) {
  const std::string socket = "socket:[" + std::to_string(inode) + ']';
  const Directory proc(opendir("/proc"));
  while (const dirent* entry = proc ? readdir(proc.get()) : nullptr) {
    if (std::isdigit(static_cast<unsigned char>(entry->d_name[0])) == 0) continue;
    const std::string process = std::string("/proc/") + entry->d_name;
    if (!has_open(process, socket)) continue;
    holder.pid = static_cast<pid_t>(std::strtol(entry->d_name, nullptr, 10));
    holder.program = program_of(process);
    std::ifstream comm(process + "/comm");
    std::getline(comm, holder.command);
    return;
  }
}

}  // namespace

std::optional<SocketHolder> find_inet_holder(Scheme scheme, const SocketAddress& address) {
  const std::string table = std::string("/proc/net/") + (is_tcp(scheme) ? "tcp" : "udp");
  for (const bool v6 : {false, true}) {
    std::ifstream rows(v6 ? table + '6' : table);
    InetRow row;
    for (std::string line; std::getline(rows, line);) {
      if (!parse_row(line, v6, row) || !in_the_way(row, address, is_tcp(scheme))) continue;
      SocketHolder holder{.uid = row.uid};
      find_process(row.inode, holder);
      return holder;
    }
  }
  return {};
}

std::optional<SocketHolder> find_unix_holder(const std::string& path) {
  std::ifstream rows("/proc/net/unix");
  for (std::string line; std::getline(rows, line);) {
    // Num RefCount Protocol Flags Type St Inode Path. Accepted connections repeat the listener's path with state 03;
    // a datagram socket (type 0002) has that state as soon as anybody is connected to it.
    std::istringstream words(line);
    std::string number, references, protocol, flags, type, state, bound;
    unsigned long inode = 0;
    if (!(words >> number >> references >> protocol >> flags >> type >> state >> inode)) continue;
    if (state == "03" && type != "0002") continue;
    std::getline(words >> std::ws, bound);
    if (!same_socket_name(bound, path)) continue;
    SocketHolder holder;
    find_process(inode, holder);
    if (holder.pid != 0) return holder;
  }
  return {};
}

std::string holder_text(const std::optional<SocketHolder>& holder) {
  if (!holder) return {};
  if (holder->pid != 0)
    return "by pid " + std::to_string(holder->pid) + " (" + holder->command + ')';
  return holder->uid ? "by a process of uid " + std::to_string(*holder->uid) : std::string();
}

bool is_other_penstock(const std::optional<SocketHolder>& holder) {
  return holder && holder->pid != 0 && holder->pid != getpid() && holder->program == "penstock";
}

}  // namespace penstock
