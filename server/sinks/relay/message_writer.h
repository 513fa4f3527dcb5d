#pragma once

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <vector>

#include "server/sinks/encoder.h"
#include "server/sinks/relay/part_writer.h"

namespace penstock {

/// A datagram or packet a record, many a system call. With `segments` (udp) datagrams of one length that follow each other
/// are handed to the kernel as one, which cuts them (UDP_SEGMENT, udp(7)); where it cannot, as they are. A record that fits
/// into no message (EMSGSIZE) is passed over and noted in the part.
class MessageWriter final : public PartWriter {
 public:
  MessageWriter(const Encoder& encoder, bool segments) noexcept
      : encoder_(encoder), segments_(segments) {}

  void begin(RelayPart& part) override;
  Step write(int fd, std::uint64_t offset) override;
  Place place_behind(const RelayPart& part, std::uint64_t bytes) const override {
    return part.last_mark(bytes);
  }
  std::string rest_of_record(const RelayPart&, std::uint64_t) const override { return {}; }

 private:
  static constexpr std::size_t kMostRecords = 256;  // a system call
  static constexpr std::size_t kMostSegments = 64;  // UDP_MAX_SEGMENTS of older kernels

  struct Record {
    std::size_t begin = 0, size = 0;  // in buffer_
    std::size_t frame = 0;
    Place behind;
  };
  struct Message {
    std::size_t records = 1;
    iovec bytes{};
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(std::uint16_t))> control{};
  };

  void gather();
  void make_messages();
  std::size_t run_length(std::size_t first) const noexcept;
  bool give_up_on(int error, std::uint64_t offset);

  const Encoder& encoder_;
  bool segments_;
  std::size_t segment_limit_ = SIZE_MAX;  // datagrams of that length or longer cannot be segments
  EncodeBuffer buffer_;
  RelayPart* part_ = nullptr;
  Place place_;  // behind what is gathered
  std::vector<Record> records_;
  std::size_t sent_ = 0;  // of records_
  std::vector<Message> messages_;
  std::vector<mmsghdr> headers_;
};

}  // namespace penstock
