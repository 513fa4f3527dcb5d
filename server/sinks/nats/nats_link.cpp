#include "server/sinks/nats/nats_link.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/log/log.h"
#include "server/pipeline/signals_blocked.h"
#include "server/sinks/nats/nats_settings.h"

namespace penstock {
namespace {

/// Reads of 32 to 64 KiB in one go, so that answers never keep others waiting.
constexpr int kMostReads = 64;

}  // namespace

NatsLink::NatsLink(const config::Sink& sink, NatsEvents& events)
    : sink_(sink), events_(events), mailbox_(std::make_shared<NatsMailbox>()) {}

NatsLink::~NatsLink() { close(); }

Result<void> NatsLink::open() {
  const SignalsBlocked blocked;  // libnats starts threads of its own
  const config::NatsSink& nats = sink_.nats;
  for (const std::string* file : {&nats.credentials_file, &nats.nkey_seed_file}) {
    if (!file->empty() && ::access(file->c_str(), R_OK) < 0)
      return fail(errno, "read " + *file + ": " + errno_text(errno));
  }
  for (const std::string& server : nats.servers) {
    if (const auto options = nats_options(sink_, server); !options)
      return fail(options.error().code, "set up " + server + ": " + options.error().message);
  }
  natsInbox* inbox = nullptr;
  if (const natsStatus status = natsInbox_Create(&inbox); status != NATS_OK)
    return fail(status, "make an inbox: " + nats_error_text(status));
  inbox_ = inbox;
  natsInbox_Destroy(inbox);
  connector_.emplace(sink_, inbox_ + ".*", mailbox_);
  connector_->start();
  connector_->seek({});
  return {};
}

void NatsLink::close() {
  if (!connector_) return;
  if (connection_) connector_->retire(std::move(*connection_));
  connection_.reset();
  connector_.reset();
}

// ---- the connection's life

void NatsLink::take_over() {
  if (connection_) return;
  connection_ = connector_->take();
  if (!connection_) return;
  most_payload_bytes_ = natsConnection_GetMaxPayload(connection_->handle);
  unsent_bytes_ = 0;
  std::uint64_t suppressed = 0;
  if (ups_.allow(log::steady_ms(), suppressed))
    log::info("nats connected",
              {{"sink", sink_.name}, {"server", connection_->server}, {"suppressed", suppressed}});
  events_.on_up();
}

void NatsLink::drop(const std::string& why) {
  if (!connection_) return;
  complaint_ = why;
  std::uint64_t suppressed = 0;
  if (downs_.allow(log::steady_ms(), suppressed))
    log::warn("nats connection lost", {{"sink", sink_.name},
                                       {"server", connection_->server},
                                       {"reason", why},
                                       {"suppressed", suppressed}});
  const std::string server = connection_->server;
  connector_->retire(std::move(*connection_));
  connection_.reset();
  connector_->seek(server);
  events_.on_down();
}

bool NatsLink::ended() const { return natsConnection_IsClosed(connection_->handle); }

std::string NatsLink::last_error() const {
  const char* words = nullptr;
  const natsStatus status = natsConnection_GetLastError(connection_->handle, &words);
  if (words != nullptr && *words != '\0') return words;
  return status == NATS_OK ? "" : natsStatus_GetText(status);
}

std::string NatsLink::trouble() const {
  if (connection_) return last_error();
  std::string text = connector_ ? connector_->trouble() : "";
  return text.empty() ? complaint_ : text;
}

// ---- bytes

bool NatsLink::ready(short events, std::chrono::milliseconds wait) const {
  const int descriptor = connection_ ? connection_->socket->descriptor.load() : -1;
  std::array<pollfd, 2> watched{{{descriptor, events, 0}, {mailbox_->descriptor(), POLLIN, 0}}};
  const nfds_t count = wait.count() == 0 ? 1 : watched.size();
  ::poll(watched.data(), count, static_cast<int>(wait.count()));
  return watched[0].revents != 0;
}

void NatsLink::serve(std::chrono::milliseconds wait) {
  if (!connector_) return;
  take_over();
  if (wait.count() > 0) {
    const bool writes = connection_ && connection_->socket->wants_write;
    ready(writes ? POLLIN | POLLOUT : POLLIN, wait);
    take_over();
  }
  transfer();
  tell_answers();
}

void NatsLink::transfer() {
  for (int reads = 0; connection_ && reads < kMostReads && ready(POLLIN, {}); ++reads) {
    natsConnection_ProcessReadEvent(connection_->handle);
    if (ended()) {
      const std::string why = last_error();
      return drop(why.empty() ? "the server has ended it" : why);
    }
  }
  push();
}

void NatsLink::push() {
  while (connection_ && connection_->socket->wants_write && ready(POLLOUT, {})) {
    natsConnection_ProcessWriteEvent(connection_->handle);
    if (ended()) return drop("write: " + last_error());
  }
  if (connection_)
    unsent_bytes_ = static_cast<std::size_t>(natsConnection_Buffered(connection_->handle));
}

void NatsLink::tell_answers() {
  for (const NatsMessage& message : mailbox_->take()) events_.on_answer(*message);
}

bool NatsLink::has_room() {
  if (unsent_bytes_ < kMostUnsentBytes) return true;
  push();
  return connection_ && unsent_bytes_ < kMostUnsentBytes;
}

natsStatus NatsLink::publish(natsMsg& message, std::size_t bytes) {
  const natsStatus status = natsConnection_PublishMsg(connection_->handle, &message);
  if (status == NATS_OK) unsent_bytes_ += bytes;
  return status;
}

}  // namespace penstock
