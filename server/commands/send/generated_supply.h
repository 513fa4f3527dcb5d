#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/commands/send/payload.h"
#include "server/commands/send/supply.h"

namespace penstock {

/// Which sequence numbers a connection sends: connection c of C sends first + c, first + c + C, first + c + 2C, ...
/// below first + count. So the numbers come up in step whatever the number of connections.
struct Deal {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  std::size_t connections = 1;

  std::uint64_t records_of(std::size_t c) const noexcept {
    return c < count ? (count - c - 1) / connections + 1 : 0;
  }
  std::uint64_t sequence(std::size_t c, std::uint64_t nth) const noexcept {
    return first + c + nth * connections;
  }
};

/// Generated records. One block of rendered records serves all connections: only the digits are written anew, for the
/// connection whose turn it is; a connection itself is a position.
class GeneratedSupply final : public Supply {
 public:
  /// `form` none for datagrams. `block_bytes`: how much is rendered at a time, at least one record.
  GeneratedSupply(const PayloadTemplate& payload, const FrameForm& form, Deal deal,
                  std::size_t block_bytes);

  Pending pending(std::size_t c, std::size_t max_records) override;
  void wrote(std::size_t c, std::size_t bytes) override;
  void wrote_records(std::size_t c, std::size_t records) override { wrote(c, records * stride_); }
  bool in_record(std::size_t c) const override { return positions_[c].partial != 0; }
  bool finished(std::size_t c) const override { return positions_[c].sent == deal_.records_of(c); }
  std::uint64_t sent(std::size_t c) const override { return positions_[c].sent; }
  std::uint64_t sent() const override { return sent_; }

  std::size_t framed_bytes() const noexcept { return stride_; }

 private:
  struct Position {
    std::uint64_t sent = 0;
    std::uint32_t partial = 0;  // bytes of the next record that are written
  };
  void render(std::size_t c, std::uint64_t nth, std::size_t records);

  Deal deal_;
  std::string block_;
  std::size_t stride_ = 0;       // framed record
  std::size_t sequence_at_ = 0;  // in a framed record
  std::vector<std::uint32_t> ends_;
  std::vector<Position> positions_;
  std::uint64_t sent_ = 0;
  // What the block holds: records [nth_, nth_ + held_) of connection owner_.
  std::size_t owner_ = 0;
  std::uint64_t nth_ = 0;
  std::size_t held_ = 0;
};

}  // namespace penstock
