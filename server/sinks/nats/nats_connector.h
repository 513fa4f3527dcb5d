#pragma once

#include <nats/nats.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocols/core/result.h"
#include "server/config/config.h"
#include "server/sinks/nats/nats_mailbox.h"

namespace penstock {

/// A connection's socket, as libnats tells of it to the one who does its I/O.
struct NatsSocket {
  std::atomic<int> descriptor{-1};
  std::atomic<bool> wants_write{false};
};

/// A connection that is up, and the subscription whose messages go to the mailbox.
struct NatsConnection {
  std::string server;
  std::unique_ptr<NatsSocket> socket;
  natsConnection* handle = nullptr;
  natsSubscription* answers = nullptr;
};

/// Makes and ends connections on a thread of its own, because libnats waits for the network in both.
class NatsConnector {
 public:
  /// `inbox` is the subject whose parts take answers: `INBOX.*`.
  NatsConnector(const config::Sink& sink, std::string inbox, std::shared_ptr<NatsMailbox> mailbox);
  NatsConnector(const NatsConnector&) = delete;
  NatsConnector& operator=(const NatsConnector&) = delete;
  ~NatsConnector();  ///< ends what was retired; waits for an attempt that runs, 2 s or as long as it looks up a name

  void start();  ///< the thread
  /// Begins to look for a server, `avoid` last; wakes the mailbox when there is a connection. Goes round all of them until
  /// one takes it, with pauses that grow.
  void seek(const std::string& avoid);
  /// The connection that was found; none yet.
  std::optional<NatsConnection> take();
  /// Ends a connection; nobody else touches it any more.
  void retire(NatsConnection connection);
  /// What stood in the way last; empty: nothing.
  std::string trouble() const;

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds kFirstConnectPause{100};
  static constexpr std::chrono::milliseconds kLongestConnectPause{2000};

  void run();
  void try_next(std::unique_lock<std::mutex>& lock);
  Result<NatsConnection> connect(const std::string& server) const;
  Result<void> subscribe(NatsConnection& connection) const;
  static void end(NatsConnection& connection);

  const config::Sink& sink_;
  const std::string inbox_;
  const std::shared_ptr<NatsMailbox> mailbox_;
  std::thread thread_;

  mutable std::mutex mutex_;  // of what follows
  std::condition_variable changed_;
  bool stop_ = false, seeking_ = false;
  std::vector<std::string> round_;  // servers still to be tried in this round, last one first
  std::string avoid_;
  std::chrono::milliseconds pause_{kFirstConnectPause};
  Clock::time_point next_try_;
  std::optional<NatsConnection> found_;
  std::vector<NatsConnection> retired_;
  std::string trouble_;
};

}  // namespace penstock
