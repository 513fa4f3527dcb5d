#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace penstock {

/// What a server that asks for a handshake knows. Read once, at the start; shared by the listener's connections.
struct ForwardSecrets {
  std::string shared_key;  ///< never empty
  std::vector<std::pair<std::string, std::string>>
      users;                                       ///< name and password; empty: none are asked for
  std::string server_name;                         ///< how it calls itself in PONG
  void (*fill_random)(std::span<char>) = nullptr;  ///< not to be foreseen; never fails
};

/// What a sender needs that takes part in the handshake.
struct ForwardClientSecrets {
  std::string shared_key;      ///< never empty
  std::string user, password;  ///< empty: a receiver that asks for them is no use
  std::string host_name;       ///< how it calls itself in PING; no receiver may have the same
  void (*fill_random)(std::span<char>) = nullptr;  ///< not to be foreseen; never fails
};

struct ForwardOptions {
  std::size_t max_decompressed_bytes = std::size_t{64} << 20;  ///< of one message
  unsigned max_decompressed_ratio =
      200;                  ///< of output to input, from kForwardGraceBytes on; 0: no limit
  unsigned max_depth = 64;  ///< maps and arrays in each other; 1 to 128

  std::string shared_key_file;  ///< empty: no handshake
  std::string users_file;       ///< empty: no users; lines of NAME:PASSWORD
  std::string server_name;      ///< empty: the machine's
  std::shared_ptr<const ForwardSecrets>
      secrets;  ///< what stands in those files; null: no handshake

  friend bool operator==(const ForwardOptions&, const ForwardOptions&) = default;
};

/// That much may come out of a message whatever its ratio.
inline constexpr std::size_t kForwardGraceBytes = std::size_t{1} << 20;

}  // namespace penstock
