#pragma once

#include <string>

#include "server/sinks/encoder.h"
#include "server/sinks/relay/forward_link.h"
#include "server/sinks/relay/part_writer.h"

namespace penstock {

/// Messages of PackedForward or CompressedPackedForward mode, each a chunk with an id that its bytes give: about 256 KiB of
/// entries with one tag at most. From the same place in the same part the same messages come.
class ForwardWriter final : public PartWriter {
 public:
  /// All outlive this.
  ForwardWriter(const Encoder& encoder, const ForwardSending& sending, ForwardLink& link) noexcept
      : encoder_(encoder), sending_(sending), link_(link) {}

  void begin(RelayPart& part) override;
  Step write(int fd, std::uint64_t offset) override;
  Place place_behind(const RelayPart& part, std::uint64_t bytes) const override {
    return part.last_mark(bytes);
  }
  std::string rest_of_record(const RelayPart& part, std::uint64_t bytes) const override;

 private:
  void make_message();
  std::size_t gather();
  void write_tag(const Place& place);

  const Encoder& encoder_;
  const ForwardSending& sending_;
  ForwardLink& link_;
  EncodeBuffer entries_;
  RelayPart* part_ = nullptr;
  Place behind_;         // the message
  std::string message_;  // its option aside
  std::string id_;
  std::string_view rest_;  // of message_, not sent
  std::string tag_, next_tag_;
};

}  // namespace penstock
