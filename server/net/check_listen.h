#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "server/config/problem.h"

namespace penstock {

/// What is wrong with the `listen` URLs and can be seen without binding or asking the resolver: syntax, an address of
/// the wrong family, and entries that cannot be bound together (the same address twice, `tcp` beside `tcp4` on one
/// port, one unix path twice in any spelling); and the groups of check_multicast(). In file order; port 0 never conflicts. Main thread.
config::Problems check_listen(const config::Config& config);

/// What one socket of the config would meet: an entry has one report for each address that it resolves to.
struct BindReport {
  enum class Verdict : std::uint8_t {
    kOk,
    kNote,   ///< a running Penstock holds it: this config would take its place
    kError,  ///< `penstock run` would fail
  };

  std::string listener;  ///< its name
  config::Place place;   ///< of the URL in the config file
  std::string url;       ///< as written
  std::string address;   ///< canonical, port as asked; empty where the URL did not resolve
  Verdict verdict = Verdict::kOk;
  std::string
      text;  ///< why, for kNote and kError; for unix paths what stands there now, for udp what was joined
  std::size_t asked_buffer_bytes = 0;  ///< `receive_buffer`; 0: the system's default
  std::size_t receive_buffer_bytes =
      0;  ///< as the kernel gave it (it doubles what is asked); 0: not bound
  std::size_t rmem_max_bytes = 0;  ///< net.core.rmem_max: the limit without CAP_NET_ADMIN
  std::size_t max_dgram_qlen =
      0;  ///< unixgram only: net.unix.max_dgram_qlen, datagrams before senders wait
};

/// For `penstock check --bind`: resolves each URL and binds each inet address for a moment, without listening. Unix
/// paths are looked at and never bound or touched; a live server sees no connection. Entries that do not parse are
/// left to check_listen(). May block on the resolver. Main thread.
std::vector<BindReport> test_bind(const config::Config& config);

/// `listener "syslog": tcp://:5514 ([::]:5514): ok, receive buffer 131072 bytes`, without the place.
std::string to_string(const BindReport& report);

}  // namespace penstock
