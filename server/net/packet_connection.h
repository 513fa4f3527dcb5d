#pragma once

#include "server/net/connection.h"

namespace penstock {

/// A unixpacket connection: each packet is one record. Many are received in one system call; an empty packet and the
/// end of the stream both have length 0 and are told apart by DatagramSlots.
class PacketConnection final : public Connection {
 public:
  using Connection::Connection;

 private:
  Step read_once(std::size_t& budget) override;
  Step read_packed(std::size_t& budget);
  ReadResult read_unseen() override;
};

}  // namespace penstock
