#include "server/sinks/nats/nats_connector.h"

#include <pthread.h>

#include <algorithm>
#include <random>
#include <utility>

#include "server/pipeline/signals_blocked.h"
#include "server/sinks/nats/nats_settings.h"

namespace penstock {
namespace {

// ---- what libnats calls

natsStatus attach(void** user_data, void* loop, natsConnection*, natsSock descriptor) {
  *user_data = loop;
  static_cast<NatsSocket*>(loop)->descriptor = descriptor;
  return NATS_OK;
}

natsStatus set_read(void*, bool) { return NATS_OK; }

natsStatus set_write(void* socket, bool wants) {
  static_cast<NatsSocket*>(socket)->wants_write = wants;
  return NATS_OK;
}

natsStatus detach(void* socket) {
  static_cast<NatsSocket*>(socket)->descriptor = -1;
  return NATS_OK;
}

using MailboxOwner = std::shared_ptr<NatsMailbox>;

void take_answer(natsConnection*, natsSubscription*, natsMsg* message, void* owner) {
  (*static_cast<MailboxOwner*>(owner))->put(NatsMessage(message));
}

void forget_mailbox(void* owner) { delete static_cast<MailboxOwner*>(owner); }

}  // namespace

NatsConnector::NatsConnector(const config::Sink& sink, std::string inbox,
                             std::shared_ptr<NatsMailbox> mailbox)
    : sink_(sink), inbox_(std::move(inbox)), mailbox_(std::move(mailbox)) {}

NatsConnector::~NatsConnector() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

void NatsConnector::start() {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

void NatsConnector::seek(const std::string& avoid) {
  const std::lock_guard lock(mutex_);
  seeking_ = true;
  avoid_ = avoid;
  round_.clear();
  changed_.notify_all();
}

std::optional<NatsConnection> NatsConnector::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(found_, std::nullopt);
}

void NatsConnector::retire(NatsConnection connection) {
  const std::lock_guard lock(mutex_);
  retired_.push_back(std::move(connection));
  changed_.notify_all();
}

std::string NatsConnector::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

// ---- the thread

void NatsConnector::run() {
  pthread_setname_np(pthread_self(), "nats connector");
  std::unique_lock lock(mutex_);
  for (;;) {
    if (!retired_.empty()) {
      std::vector<NatsConnection> retired = std::exchange(retired_, {});
      lock.unlock();
      for (NatsConnection& connection : retired) end(connection);
      lock.lock();
    } else if (stop_) {
      break;
    } else if (!seeking_) {
      changed_.wait(lock);
    } else if (Clock::now() < next_try_) {
      changed_.wait_until(lock, next_try_);
    } else {
      try_next(lock);
    }
  }
  if (found_) end(*found_);
  nats_ReleaseThreadMemory();
}

void NatsConnector::try_next(std::unique_lock<std::mutex>& lock) {
  if (round_.empty()) {
    round_ = sink_.nats.servers;
    static thread_local std::mt19937 dice{std::random_device{}()};
    std::shuffle(round_.begin(), round_.end(), dice);
    std::partition(round_.begin(), round_.end(),
                   [this](const std::string& server) { return server == avoid_; });
  }
  const std::string server = round_.back();
  round_.pop_back();
  lock.unlock();
  Result<NatsConnection> made = connect(server);
  lock.lock();
  if (made) {
    found_ = std::move(*made);
    seeking_ = false;
    pause_ = kFirstConnectPause;
    trouble_.clear();
    return mailbox_->wake();
  }
  trouble_ = "connect to " + server + ": " + made.error().message;
  if (!round_.empty()) return;
  next_try_ = Clock::now() + pause_;
  pause_ = std::min(pause_ * 2, kLongestConnectPause);
}

Result<NatsConnection> NatsConnector::connect(const std::string& server) const {
  const auto options = nats_options(sink_, server);
  if (!options) return tl::unexpected(options.error());
  NatsConnection connection{.server = server, .socket = std::make_unique<NatsSocket>()};
  natsStatus status = natsOptions_SetEventLoop(options->get(), connection.socket.get(), attach,
                                               set_read, set_write, detach);
  if (status == NATS_OK) status = natsConnection_Connect(&connection.handle, options->get());
  if (status != NATS_OK) return fail(status, nats_error_text(status));
  if (auto subscribed = subscribe(connection); !subscribed) {
    end(connection);
    return tl::unexpected(subscribed.error());
  }
  return connection;
}

Result<void> NatsConnector::subscribe(NatsConnection& connection) const {
  auto owner = std::make_unique<MailboxOwner>(mailbox_);
  natsStatus status = natsConnection_Subscribe(&connection.answers, connection.handle,
                                               inbox_.c_str(), take_answer, owner.get());
  if (status == NATS_OK) status = natsSubscription_SetPendingLimits(connection.answers, -1, -1);
  if (status == NATS_OK)
    status = natsSubscription_SetOnCompleteCB(connection.answers, forget_mailbox, owner.get());
  if (status != NATS_OK) return fail(status, "subscribe: " + nats_error_text(status));
  static_cast<void>(owner.release());
  return {};
}

void NatsConnector::end(NatsConnection& connection) {
  natsSubscription_Destroy(connection.answers);
  natsConnection_Destroy(connection.handle);
}

}  // namespace penstock
