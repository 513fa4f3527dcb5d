#pragma once

#include <array>
#include <string>
#include <string_view>

#include "protocols/forward/options.h"
#include "protocols/msgpack/value_scan.h"

namespace penstock::forward {

/// The handshake of Forward protocol v1, server side: HELO goes out, PING comes, PONG is the answer. One a connection; the
/// secrets outlive it.
class Handshake {
 public:
  /// Draws nonce and salt.
  explicit Handshake(const ForwardSecrets& secrets);

  /// The first message of the connection.
  std::string helo() const;

  struct Answer {
    std::string pong;
    const char* why = nullptr;  ///< why the peer was refused; null: it was not
  };
  /// `ping` is whole, as `scan` found it. What is no PING at all gets no PONG.
  Answer check(std::string_view ping, const msgpack::ValueScan& scan) const;

 private:
  static constexpr std::size_t kNonceBytes = 16;

  const ForwardSecrets& secrets_;
  std::array<char, kNonceBytes> nonce_{}, auth_{};
};

}  // namespace penstock::forward
