#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace penstock {

/// Framed records that wait to be written to one connection. `ends[i]` is where record i ends, counted from `base`
/// bytes before the front; only the first may lack its beginning, which is already written.
struct Pending {
  std::string_view bytes;
  std::span<const std::uint32_t> ends;
  std::uint32_t base = 0;

  std::size_t records() const noexcept { return ends.size(); }
  std::string_view record(std::size_t i) const noexcept {
    const std::size_t begin = i == 0 ? 0 : ends[i - 1] - base;
    return bytes.substr(begin, ends[i] - base - begin);
  }
};

/// Where a sender's records come from, dealt out to its connections. One thread.
class Supply {
 public:
  virtual ~Supply() = default;

  /// Up to `max_records` records for connection `c`, as many as are at hand. Valid until the next call of any method.
  /// Empty: finished() or none yet.
  virtual Pending pending(std::size_t c, std::size_t max_records) = 0;
  /// The first `bytes` of the last pending(c) are written.
  virtual void wrote(std::size_t c, std::size_t bytes) = 0;
  /// The same for sockets that keep boundaries: its first `records` records are sent, each whole.
  virtual void wrote_records(std::size_t c, std::size_t records) = 0;
  /// The first record of the last pending(c) can never be sent as a message, being too long: passes over it, so that those
  /// behind it are. False where all records are alike.
  virtual bool skip_record(std::size_t) { return false; }
  /// In the middle of a record of connection `c`.
  virtual bool in_record(std::size_t c) const = 0;
  /// There are no more records for connection `c`.
  virtual bool finished(std::size_t c) const = 0;
  /// Records of connection `c` that are wholly written, and of all connections.
  virtual std::uint64_t sent(std::size_t c) const = 0;
  virtual std::uint64_t sent() const = 0;
  /// A descriptor to wait on where pending() gives none yet; -1 where that does not happen.
  virtual int input_fd() const { return -1; }
};

}  // namespace penstock
