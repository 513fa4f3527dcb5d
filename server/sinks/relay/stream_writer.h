#pragma once

#include "server/sinks/encoder.h"
#include "server/sinks/relay/part_writer.h"

namespace penstock {

/// Framed records one behind the other: line segments as they lie in the block, others gathered in a buffer.
class StreamWriter final : public PartWriter {
 public:
  explicit StreamWriter(const Encoder& encoder) noexcept : encoder_(encoder) {}

  void begin(RelayPart& part) override;
  Step write(int fd, std::uint64_t offset) override;
  Place place_behind(const RelayPart& part, std::uint64_t bytes) const override;
  std::string rest_of_record(const RelayPart& part, std::uint64_t bytes) const override;

 private:
  RecordChain chain(const RelayPart& part) const noexcept {
    return {*part.batch, *part.next, encoder_};
  }

  const Encoder& encoder_;
  EncodeBuffer buffer_;
  RelayPart* part_ = nullptr;
  std::string_view piece_;  // what is left of it, of the block or buffer_
  Place behind_;            // the piece
};

}  // namespace penstock
