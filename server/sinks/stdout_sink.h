#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/encoder.h"
#include "server/sinks/interrupt.h"
#include "server/sinks/record_chain.h"

namespace penstock {

/// `type = "stdout"`: records to standard output, in the order of the batch. Delivered means taken by the kernel.
///
/// Never stuck in a pipe or terminal that nobody reads, and never makes it non-blocking for the processes that share it:
/// O_NONBLOCK belongs to the open file description, so pipes and terminals are opened a second time through /proc, sockets
/// are sent to with MSG_DONTWAIT, and where neither works (a pipe of another user) 4 KiB at a time are written when poll
/// says so. After a second without progress write() says kRetry.
/// A reader that has gone for good (EPIPE) also gives kRetry: what is not written stays with the senders, and at a stop goes
/// to what is left over for the next start. SIGPIPE must be ignored by the process.
class StdoutSink final : public Sink {
 public:
  /// `fd` is standard output, or another descriptor in tests; it is not closed.
  explicit StdoutSink(const config::Sink& config, int fd = 1);
  StdoutSink(const StdoutSink&) = delete;
  StdoutSink& operator=(const StdoutSink&) = delete;
  ~StdoutSink() override;

  /// Fails where standard output is closed or cannot be written to (see log/standard_descriptors.h).
  Result<void> open() override;
  WriteStatus write(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override {
    return penstock::unencodable(*encoder_, batch);
  }
  std::vector<FrameRange> abandon(const Batch& batch) override;
  Result<void> close() override { return {}; }
  void request_interrupt() noexcept override { interrupt_.request(); }
  std::string last_error() const override { return error_; }

 private:
  enum class Way : std::uint8_t {
    kDirect,  ///< a file or /dev/null: write() does not wait for anybody
    kOwn,     ///< opened a second time, non-blocking
    kSocket,  ///< MSG_DONTWAIT
    kShared,  ///< small writes when poll says so
  };

  void begin(const Batch& batch);
  std::size_t write_out(std::string_view bytes);
  std::int64_t write_some(std::string_view bytes);

  std::string name_;
  std::unique_ptr<Encoder> encoder_;
  EncodeBuffer buffer_;
  Interrupt interrupt_;
  int fd_;
  bool own_fd_ = false;
  Way way_ = Way::kDirect;
  const Batch* batch_ = nullptr;     // in hand
  std::vector<std::uint32_t> next_;  // its segments, all on one chain
  Place place_;
  std::string torn_tail_;  // a record was given up in its middle: this goes first, to end it
  std::string error_;
  std::chrono::steady_clock::time_point give_up_{};
};

}  // namespace penstock
