#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "protocols/framed/send_framing.h"
#include "server/commands/send/options.h"
#include "server/commands/send/record_reader.h"
#include "server/commands/send/supply.h"

namespace penstock {

/// Records of a file: a connection that can send takes the next ones, up to 64 KiB. With one connection they keep the file's order.
class ReaderSupply final : public Supply {
 public:
  /// `reader` outlives the supply.
  ReaderSupply(RecordReader& reader, FrameForm form, std::size_t connections,
               Carrier carrier = Carrier::kStream)
      : reader_(reader), form_(std::move(form)), carrier_(carrier), held_(connections) {}

  Pending pending(std::size_t c, std::size_t max_records) override;
  void wrote(std::size_t c, std::size_t bytes) override;
  void wrote_records(std::size_t c, std::size_t records) override;
  bool skip_record(std::size_t c) override;
  bool in_record(std::size_t c) const override;
  bool finished(std::size_t c) const override {
    return ended_ && held_[c].done == held_[c].ends.size();
  }
  std::uint64_t sent(std::size_t c) const override { return held_[c].sent; }
  std::uint64_t sent() const override { return sent_; }
  int input_fd() const override { return ended_ ? -1 : reader_.fd(); }

  /// Records read so far that do not arrive as they are, such as those that hold their own delimiter (keeps_whole).
  std::uint64_t holding_delimiter() const noexcept { return holding_delimiter_; }
  /// The reader has no more.
  bool ended() const noexcept { return ended_; }
  /// Records read so far.
  std::uint64_t read() const noexcept { return read_; }

 private:
  // Framed records taken by one connection: `done` of them are written, `at` is the first byte that is not.
  struct Held {
    std::string bytes;
    std::vector<std::uint32_t> ends;
    std::size_t done = 0;
    std::size_t at = 0;
    std::uint64_t sent = 0;
  };
  void refill(Held& held);
  void frame(Held& held);

  RecordReader& reader_;
  FrameForm form_;
  Carrier carrier_;
  std::vector<Held> held_;
  std::string record_;
  bool ended_ = false;
  std::uint64_t sent_ = 0;
  std::uint64_t read_ = 0;
  std::uint64_t holding_delimiter_ = 0;
};

}  // namespace penstock
