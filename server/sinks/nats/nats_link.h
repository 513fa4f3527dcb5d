#pragma once

#include <nats/nats.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "protocols/core/result.h"
#include "server/config/config.h"
#include "server/log/log.h"
#include "server/sinks/nats/nats_connector.h"
#include "server/sinks/nats/nats_mailbox.h"

namespace penstock {

/// Told in NatsLink's calls, on the thread that makes them.
struct NatsEvents {
  virtual ~NatsEvents() = default;
  virtual void on_up() = 0;
  virtual void on_down() = 0;  ///< of what was sent nobody may tell any more
  /// Of a message whose reply was NatsLink::inbox(), a dot, and something more.
  virtual void on_answer(natsMsg& message) = 0;
};

/// One connection to some server of the list, and another one when it ends. All of its I/O is done here, in the owner's
/// thread and without waiting for the server: publishing puts bytes into memory, push() and serve() move what the socket
/// takes. libnats' own way blocks in publishing when the socket is full, and after a write deadline goes on behind a message
/// of which half was sent.
///
/// libnats neither reconnects nor pings here: what is sent again is up to the owner, who hears of every end, and a server
/// that does not answer is seen by the answers that are missing, see drop().
class NatsLink {
 public:
  NatsLink(const config::Sink& sink, NatsEvents& events);
  NatsLink(const NatsLink&) = delete;
  NatsLink& operator=(const NatsLink&) = delete;
  ~NatsLink();

  /// Looks at the settings and begins to connect.
  Result<void> open();
  void close();  ///< of what was not pushed up to here, little may still be sent

  bool up() const noexcept { return connection_.has_value(); }
  const std::string& inbox() const noexcept { return inbox_; }
  std::int64_t most_payload_bytes() const noexcept { return most_payload_bytes_; }

  /// Reads and tells what has come, waiting for something at most so long.
  void serve(std::chrono::milliseconds wait);
  /// Writes what was published, as far as the socket takes it.
  void push();
  /// Only while up and has_room().
  natsStatus publish(natsMsg& message, std::size_t bytes);
  bool has_room();

  /// Gives the connection up for one to another server.
  void drop(const std::string& why);

  /// What stands in the way; empty: nothing that is known.
  std::string trouble() const;

 private:
  static constexpr std::size_t kMostUnsentBytes = std::size_t{256} << 10;

  void take_over();
  void transfer();
  void tell_answers();
  bool ready(short events, std::chrono::milliseconds wait) const;
  bool ended() const;
  std::string last_error() const;

  const config::Sink& sink_;
  NatsEvents& events_;
  std::string inbox_;
  const std::shared_ptr<NatsMailbox> mailbox_;
  std::optional<NatsConnector> connector_;
  std::optional<NatsConnection> connection_;
  std::int64_t most_payload_bytes_ = 0;
  std::size_t unsent_bytes_ = 0;
  std::string complaint_;  // of the last connection's end
  log::RateLimit ups_, downs_;
};

}  // namespace penstock
