#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "protocols/forward/options.h"
#include "protocols/msgpack/value_scan.h"

namespace penstock::forward {

/// The sending side of one connection of Forward protocol v1: the handshake, where there are secrets, then what the receiver
/// acknowledges. Bytes may come in any pieces. Holds at most one answer, kMaxAnswerBytes.
class Client {
 public:
  static constexpr std::size_t kMaxAnswerBytes = 4096;

  /// `secrets` outlive this; null: the receiver must ask for no handshake.
  explicit Client(const ForwardClientSecrets* secrets);

  /// Messages may be sent.
  bool ready() const noexcept { return state_ == State::kReady; }

  /// Takes what the receiver says. Appends what is to be sent to `reply`, and the ids of chunks that it acknowledges to
  /// `acks`. Gives why the connection is of no use any more, else nothing; then it must not be called again.
  std::string hear(std::string_view bytes, std::string& reply, std::vector<std::string>& acks);

 private:
  enum class State { kHelo, kPong, kReady };  // what comes next; kReady: acknowledgements

  std::string take(std::string_view answer, std::string& reply, std::vector<std::string>& acks);
  std::string take_helo(std::string_view answer, std::string& reply);
  std::string take_pong(std::string_view answer);
  std::string take_ack(std::string_view answer, std::vector<std::string>& acks) const;

  const ForwardClientSecrets* const secrets_;
  State state_;
  std::string nonce_, salt_;
  std::string rest_;  // of an answer that is not whole
  msgpack::ValueScan scan_;
};

}  // namespace penstock::forward
