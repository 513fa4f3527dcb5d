#include "server/net/listener_share.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>

#include "server/net/first_bytes.h"
#include "server/net/inflating_transport.h"
#include "server/net/packet_connection.h"
#include "server/net/socket_option.h"
#include "server/net/stream_connection.h"

namespace penstock {
namespace {

void set_keepalive(int fd, std::chrono::seconds idle) {
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, static_cast<int>(idle.count()));
}

}  // namespace

ListenerShare::ListenerShare(Listener& listener, IoLoop& loop, std::vector<Route> routes,
                             BlockPool& pool, BatchCell& cell, bool tracks_completion)
    : listener_(listener),
      loop_(loop),
      options_(listener.shared_options()),
      intake_(std::move(routes), pool, cell, tracks_completion, &listener.tap_point()),
      unpacker_(*options_, loop.decompressors()),
      tracks_completion_(tracks_completion) {
  if (!tracks_completion) return;
  intake_.set_completion(
      [&loop](std::function<void()> report) { loop.post(std::move(report)); },
      [this](BatchId id, Outcome outcome, const std::vector<ConnectionId>& members) {
        on_batch_complete(id, outcome, members);
      });
}

ListenerShare::~ListenerShare() = default;

bool ListenerShare::has_timeouts() const noexcept {
  return options_->idle_timeout.count() != 0 || options_->first_byte_timeout.count() != 0 ||
         tracks_completion_;
}

template <class Visit>
void ListenerShare::for_each_connection(Visit&& visit) {
  loop_.connections().for_each([&](Connection& connection) {
    if (&connection.share() == this) visit(connection);
  });
}

// ---- sockets ------------------------------------------------------------------------------------------------------

Account& ListenerShare::account(const Origin& origin) {
  const auto found = std::find_if(accounts_.begin(), accounts_.end(),
                                  [&](const Account& one) { return &one.origin() == &origin; });
  if (found != accounts_.end()) return *found;
  return accounts_.emplace_back(origin, *listener_.ledger_of(origin).cells[loop_.index()]);
}

void ListenerShare::add_socket(BoundSocket socket, const Origin& origin) {
  if (is_datagram(socket.scheme)) {
    datagram_sockets_.push_back(
        std::make_unique<DatagramSocket>(*this, std::move(socket), account(origin)));
    if (!datagram_sockets_.back()->open())
      listener_.one_ended();
    else if (draining_)
      datagram_sockets_.back()->begin_drain();
    return;
  }
  acceptors_.push_back(std::make_unique<Acceptor>(*this, std::move(socket), account(origin)));
  if (!acceptors_.back()->open())
    listener_.one_ended();
  else if (draining_)
    acceptors_.back()->begin_drain();
}

void ListenerShare::start_flushing(const Origin& origin) {
  flusher_.emplace(*this, *options_->aggregate, account(origin));
}

void ListenerShare::adopt(Accepted accepted) {
  if (options_->keepalive && is_tcp(accepted.scheme))
    set_keepalive(accepted.fd.get(), *options_->keepalive);
  Account& account = this->account(*accepted.origin);
  std::unique_ptr<Connection> made;
  const ConnectionId id = loop_.connections().next_id();
  if (accepted.scheme == Scheme::kUnixpacket) {
    // Packets then carry credentials, the stream's end does not (DatagramSlots).
    set_option(accepted.fd.get(), SOL_SOCKET, SO_PASSCRED, 1);
    made = std::make_unique<PacketConnection>(*this, id, std::move(accepted.fd), accepted.peer,
                                              account);
  } else {
    // Urgent bytes are acknowledged too: they must not be left out.
    set_option(accepted.fd.get(), SOL_SOCKET, SO_OOBINLINE, 1);
    made = std::make_unique<StreamConnection>(*this, id, std::move(accepted.fd), accepted.peer,
                                              account, make_transport());
  }
  account.cell().accepted.add(1);
  account.cell().active.add(1);
  Connection& connection = loop_.connections().add(std::move(made));
  if (!connection.open()) return;
  if (draining_) connection.begin_drain();
  if (past_deadline_) connection.at_deadline();
  connection.read_first();
}

std::unique_ptr<Transport> ListenerShare::make_transport() {
  if (options_->content_encoding == ContentEncoding::kNone)
    return std::make_unique<PlainTransport>();
  return std::make_unique<InflatingTransport>(options_->content_encoding, options_->stream_limits,
                                              loop_.decompressors(), loop_.scratch());
}

void ListenerShare::forget(Connection& connection, ConnectionEnd end, bool admitted) {
  UrlCell& cell = connection.account().cell();
  cell.ended[static_cast<std::size_t>(end)].add(1);
  cell.active.set(cell.active.get() - 1);
  if (admitted) listener_.admission().leave(connection.peer());
  touch();
  loop_.connections().retire(connection);
  loop_.connection_ended();
  listener_.one_ended();
}

// ---- reading ------------------------------------------------------------------------------------------------------

BatchWriter ListenerShare::write(ConnectionId connection, const Peer& peer, Account& account,
                                 char* input_end) {
  touch();
  return intake_.write(connection, peer, account, now(), input_end, *this);
}

void ListenerShare::on_reject(Reason reason, std::string_view bytes, const Problem& problem,
                              const Segment& segment) {
  QuarantineEntry entry = entry_for(segment);
  entry.reason = to_string(reason);
  entry.detail = to_string(problem);
  entry.bytes = bytes;
  listener_.quarantine().put(std::move(entry));
}

void ListenerShare::on_batch_complete(BatchId id, Outcome outcome,
                                      const std::vector<ConnectionId>& members) {
  std::vector<ConnectionId> asked;
  while (!expected_.empty() && expected_.front().first <= id) {
    asked.push_back(expected_.front().second);
    expected_.pop_front();
  }
  if (outcome != Outcome::kDelivered) {
    asked.insert(asked.end(), members.begin(), members.end());
    for (const ConnectionId connection : asked) {
      if (Connection* found = loop_.connections().find(connection)) found->on_undelivered();
    }
    return;
  }
  std::sort(asked.begin(), asked.end());
  asked.erase(std::unique(asked.begin(), asked.end()), asked.end());
  for (const ConnectionId connection : asked) {
    if (Connection* found = loop_.connections().find(connection)) found->on_complete(id, outcome);
  }
}

// ---- stop ---------------------------------------------------------------------------------------------------------

void ListenerShare::begin_drain() {
  if (draining_) return;
  draining_ = true;
  loop_.hurry();
  for (auto& acceptor : acceptors_) acceptor->begin_drain();
  for (auto& socket : datagram_sockets_) socket->begin_drain();
  for_each_connection([](Connection& connection) { connection.begin_drain(); });
}

void ListenerShare::at_deadline() {
  begin_drain();
  past_deadline_ = true;
  for_each_connection([](Connection& connection) { connection.at_deadline(); });
  for (auto& acceptor : acceptors_) acceptor->at_deadline();
}

void ListenerShare::at_flush_deadline() {
  for_each_connection([](Connection& connection) { connection.at_flush_deadline(); });
}

void ListenerShare::finish_flushing(std::function<void()> done) {
  flusher_->finish(std::move(done));
}

void ListenerShare::finish_flushing_now() {
  if (flusher_) flusher_->finish_now();
}

// ---- clocks -------------------------------------------------------------------------------------------------------

void ListenerShare::touch() {
  if (dirty_) return;
  dirty_ = true;
  loop_.mark_dirty(*this);
}

bool ListenerShare::end_turn(Now now) {
  for (Account& account : accounts_) account.publish();
  intake_.end_turn(now);
  if (intake_.seal_due()) return false;
  dirty_ = false;
  return true;
}

std::chrono::milliseconds ListenerShare::seal_due(Now now) const noexcept {
  const auto due = intake_.seal_due().value_or(now.monotonic);
  return std::max(due - now.monotonic, std::chrono::milliseconds(1));
}

void ListenerShare::seal(Now now) {
  intake_.seal();
  touch();
  end_turn(now);
}

void ListenerShare::sweep(Now now) {
  for (auto& acceptor : acceptors_) acceptor->sweep();
  for (auto& socket : datagram_sockets_) socket->sweep(now);
}

void ListenerShare::sweep_second() {
  for (auto& socket : datagram_sockets_) socket->sample_drops();
  unpacker_.trim();
  intake_.release_idle_block();
}

// ---- log ----------------------------------------------------------------------------------------------------------

void ListenerShare::log_trouble(std::string_view what, const Peer& peer, std::string_view why) {
  std::uint64_t suppressed = 0;
  if (!trouble_limit_.allow(now().monotonic.count(), suppressed)) return;
  const std::string from = to_string(peer);
  if (why.empty()) {
    log::warn(what, {{"listener", options_->name}, {"peer", from}, {"suppressed", suppressed}});
  } else {
    log::warn(
        what,
        {{"listener", options_->name}, {"peer", from}, {"why", why}, {"suppressed", suppressed}});
  }
}

void ListenerShare::log_problem(const BatchWriter& writer, const Peer& peer) {
  if (!writer.problem()) return;
  log_trouble("malformed frame", writer.problem_peer().value_or(peer), to_string(writer.problem()));
}

void ListenerShare::log_first_bytes(const Peer& peer, std::string_view first) {
  const FirstBytesHint hint = first_bytes_hint(first, options_->form);
  if (hint.what.empty()) return;
  const std::string fits =
      hint.setting.empty() ? std::string() : std::string(hint.setting) + " would fit";
  log_trouble("connection begins with " + std::string(hint.what) +
                  ", is the sender configured for this listener?",
              peer, fits);
}

void ListenerShare::log_refusal(const Peer& peer, Refusal limit) {
  std::uint64_t suppressed = 0;
  if (!refusal_limit_.allow(now().monotonic.count(), suppressed)) return;
  log::warn("connection refused", {{"listener", options_->name},
                                   {"peer", to_string(peer)},
                                   {"limit", to_string(limit)},
                                   {"suppressed", suppressed}});
}

}  // namespace penstock
