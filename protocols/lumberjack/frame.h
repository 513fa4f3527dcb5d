#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/core/problem.h"

namespace penstock::lumberjack {

/// One frame of the Lumberjack protocol, versions 1 and 2, as logstash-forwarder's PROTOCOL.md and
/// https://github.com/elastic/go-lumber have it: a digit for the version, a letter for the type, integers of 32 bits, big
/// endian.
struct Frame {
  enum class Type : char {
    kWindow = 'W',      ///< count
    kData = 'D',        ///< sequence, number of pairs, then length, key, length, value each
    kJson = 'J',        ///< sequence, length, JSON
    kCompressed = 'C',  ///< length, one zlib stream of whole frames
    kAck = 'A',         ///< sequence; the server's only
  };

  char version = '2';
  Type type = Type::kWindow;
  std::uint32_t number = 0;  ///< the count, sequence or length
  std::string_view body;     ///< pairs, JSON, or the compressed bytes
};

struct FrameLimits {
  std::size_t max_event_bytes = 0;
  std::size_t max_pairs = 0;
  std::size_t max_compressed_bytes = 0;
};

struct FrameScan {
  enum class Status : std::uint8_t { kWhole, kNeedMore, kMalformed, kTooLong };

  Status status = Status::kNeedMore;
  std::size_t bytes =
      0;  ///< kWhole: of the frame. kNeedMore: with fewer in all, the next call finds the same
  Problem problem;  ///< kMalformed, kTooLong
};

/// Finds the frame at the front of `input`. No length from the wire is believed before it is compared with its limit.
FrameScan scan_frame(std::string_view input, const FrameLimits& limits, Frame& frame) noexcept;

/// The pairs of a kData frame's body, one after the other.
class Pairs {
 public:
  explicit Pairs(std::string_view body) noexcept : rest_(body) {}
  bool next(std::string_view& key, std::string_view& value) noexcept;

 private:
  std::string_view take() noexcept;
  std::string_view rest_;
};

/// Always six bytes.
std::string ack(char version, std::uint32_t sequence);

}  // namespace penstock::lumberjack
