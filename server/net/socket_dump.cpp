#include "server/net/socket_dump.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/unix_diag.h>
#include <netinet/in.h>

#include "server/net/diag_query.h"

namespace penstock::kernel {
namespace {

using sock_diag::Bytes;
using sock_diag::read_value;

// By number: TCP_ESTABLISHED is 1, TCP_NEW_SYN_RECV 12.
constexpr std::array<std::string_view, 13> kStates = {
    "UNKNOWN", "ESTAB",      "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT",
    "UNCONN",  "CLOSE-WAIT", "LAST-ACK", "LISTEN",   "CLOSING",    "SYN-RECV"};
constexpr std::uint8_t kSynRecv = 3, kTimeWait = 6, kNewSynRecv = 12;
constexpr std::uint32_t kAllStates = 0xFFFFFFFF;
constexpr std::uint32_t kOwnStates =
    kAllStates & ~(1U << kSynRecv | 1U << kTimeWait | 1U << kNewSynRecv);

/// More ports than this are not filtered by the kernel: its jumps reach 64 KiB.
constexpr std::size_t kMaxFilteredPorts = 4096;

std::uint64_t cookie_of(const std::uint32_t (&halves)[2]) noexcept {
  return std::uint64_t{halves[1]} << 32 | halves[0];
}

void take_memory(Bytes payload, KernelSocket& socket) noexcept {
  std::array<std::uint32_t, SK_MEMINFO_DROPS + 1> info{};
  if (!read_value(payload, info)) return;
  socket.receive_fill_bytes = info[SK_MEMINFO_RMEM_ALLOC];
  socket.receive_buffer_bytes = info[SK_MEMINFO_RCVBUF];
  socket.drops = info[SK_MEMINFO_DROPS];
}

/// A condition on the local port, with its port in the slot behind it, and the jump to the end that follows all but the
/// last. `no` behind the end is a refusal.
void append_condition(std::vector<std::byte>& program, std::uint16_t port, std::size_t left) {
  constexpr std::uint16_t kCondition = 2 * sizeof(inet_diag_bc_op);
  constexpr std::uint16_t kJump = sizeof(inet_diag_bc_op);
  std::array<inet_diag_bc_op, 3> ops{};
  ops[0] = {INET_DIAG_BC_S_EQ, kCondition, kCondition + kJump};
  ops[1] = {0, 0, port};
  ops[2] = {INET_DIAG_BC_JMP, kJump, static_cast<std::uint16_t>(left * (kCondition + kJump))};
  const Bytes bytes = std::as_bytes(std::span(ops).first(left == 0 ? 2 : 3));
  program.insert(program.end(), bytes.begin(), bytes.end());
}

/// The filter as the attribute of a request.
std::vector<std::byte> filter_attribute(std::span<const std::uint16_t> ports) {
  std::vector<std::byte> program = port_filter(ports);
  if (program.empty()) return program;
  rtattr header{};
  header.rta_len = static_cast<unsigned short>(RTA_LENGTH(program.size()));
  header.rta_type = INET_DIAG_REQ_BYTECODE;
  const Bytes bytes = std::as_bytes(std::span(&header, 1));
  program.insert(program.begin(), bytes.begin(), bytes.end());
  return program;
}

}  // namespace

std::string_view state_name(std::uint8_t state) noexcept {
  return state < kStates.size() ? kStates[state] : kStates[0];
}

std::vector<std::byte> port_filter(std::span<const std::uint16_t> ports) {
  std::vector<std::byte> program;
  if (ports.size() > kMaxFilteredPorts) return program;
  for (std::size_t at = 0; at < ports.size(); ++at)
    append_condition(program, ports[at], ports.size() - at - 1);
  return program;
}

std::optional<InetSocket> parse_inet(Bytes answer) noexcept {
  inet_diag_msg from{};
  if (!read_value(answer, from)) return {};
  InetSocket socket;
  socket.cookie = cookie_of(from.id.idiag_cookie);
  socket.inode = from.idiag_inode;
  socket.state = from.idiag_state;
  socket.receive_queue = from.idiag_rqueue;
  socket.send_queue = from.idiag_wqueue;
  socket.family = from.idiag_family;
  socket.port = ntohs(from.id.idiag_sport);
  std::memcpy(socket.address.data(), from.id.idiag_src, from.idiag_family == AF_INET ? 4 : 16);
  sock_diag::visit_attributes(answer.subspan(std::min(NLMSG_ALIGN(sizeof from), answer.size())),
                              [&](unsigned short type, Bytes payload) {
                                if (type == INET_DIAG_SKMEMINFO) take_memory(payload, socket);
                              });
  return socket;
}

std::optional<UnixSocket> parse_unix(Bytes answer) noexcept {
  unix_diag_msg from{};
  if (!read_value(answer, from)) return {};
  UnixSocket socket;
  socket.cookie = cookie_of(from.udiag_cookie);
  socket.inode = from.udiag_ino;
  socket.state = from.udiag_state;
  const auto take = [&](unsigned short type, Bytes payload) {
    unix_diag_rqlen lengths{};
    unix_diag_vfs file{};
    if (type == UNIX_DIAG_RQLEN && read_value(payload, lengths)) {
      socket.receive_queue = lengths.udiag_rqueue;
      socket.send_queue = lengths.udiag_wqueue;
    } else if (type == UNIX_DIAG_VFS && read_value(payload, file)) {
      socket.name.file_inode = file.udiag_vfs_ino;
      socket.name.device = file.udiag_vfs_dev;
    } else if (type == UNIX_DIAG_NAME && payload.size() > 1 && payload[0] == std::byte{0}) {
      socket.name.abstract = {reinterpret_cast<const char*>(payload.data()) + 1,
                              payload.size() - 1};
    } else if (type == UNIX_DIAG_MEMINFO) {
      take_memory(payload, socket);
    }
  };
  sock_diag::visit_attributes(answer.subspan(std::min(NLMSG_ALIGN(sizeof from), answer.size())),
                              take);
  return socket;
}

SocketDump::SocketDump() noexcept : socket_(sock_diag::open_socket()) {}

/// A socket on which something went wrong is not used again: what is left in it answers another question.
template <class Request, class Visit>
bool SocketDump::ask(const Request& request, Visit&& visit, Bytes attributes) {
  if (!socket_) socket_ = sock_diag::open_socket();
  if (!socket_) return false;
  const bool answered = sock_diag::ask_on(socket_.get(), request, NLM_F_DUMP, visit, attributes);
  if (!answered) socket_.reset();
  return answered;
}

bool SocketDump::inet(InetKind kind, int family, std::span<const std::uint16_t> ports,
                      const std::function<void(const InetSocket&)>& visit) {
  inet_diag_req_v2 request{};
  request.sdiag_family = static_cast<__u8>(family);
  request.sdiag_protocol = kind == InetKind::kTcp ? IPPROTO_TCP : IPPROTO_UDP;
  request.idiag_ext = 1U << (INET_DIAG_SKMEMINFO - 1);
  request.idiag_states = kOwnStates;
  const auto take = [&](Bytes answer) {
    if (const auto socket = parse_inet(answer)) visit(*socket);
  };
  return ask(request, take, filter_attribute(ports));
}

bool SocketDump::unix_domain(const std::function<void(const UnixSocket&)>& visit) {
  unix_diag_req request{};
  request.sdiag_family = AF_UNIX;
  request.udiag_states = kAllStates;
  request.udiag_show = UDIAG_SHOW_NAME | UDIAG_SHOW_VFS | UDIAG_SHOW_RQLEN | UDIAG_SHOW_MEMINFO;
  const auto take = [&](Bytes answer) {
    const auto socket = parse_unix(answer);
    if (socket && !socket->name.empty()) visit(*socket);
  };
  return ask(request, take, {});
}

}  // namespace penstock::kernel
