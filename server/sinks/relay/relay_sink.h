#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/encoder.h"
#include "server/sinks/relay/part.h"
#include "server/sinks/relay/upstream.h"

namespace penstock {

/// `type = "relay"`: records to another receiver, over the same kinds of URLs and framings as listeners have. Delivered means
/// arrived (see Upstream): what was not when a connection broke is sent again over the next one, from the first record on
/// that had not arrived whole. So a break may double records and loses none, but for those that lay in the receive queue of
/// a receiver that died: its kernel has acknowledged them.
///
/// With one receiver, or balance = "failover", records keep their order. A batch is one piece of work: "round_robin" gives it
/// to the receiver that has nothing unwritten, in turn; "hash" takes it apart by balance_key().
///
/// With `protocol = "forward"` records go as chunks of Forward protocol, and delivered means acknowledged by the receiver: a
/// chunk whose acknowledgement has not come when the connection ends or ack_timeout is over is sent again under the same id.
///
/// write() and poll() never wait for a receiver; kRetry is said of what is pending after kPatience (kAckPatience) without any
/// progress, and at once where no receiver is to be had. The place in each batch is kept until it is delivered or abandoned.
class RelaySink final : public Sink {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::chrono::seconds kPatience{1}, kAckPatience{5};
  static constexpr std::size_t kWindow = 256;

  /// `config` has passed check_relay().
  explicit RelaySink(const config::Sink& config);
  ~RelaySink() override;

  /// Reads the files of secrets.
  Result<void> open() override;
  WriteStatus write(const Batch& batch) override;
  std::size_t window() const noexcept override { return kWindow; }
  std::vector<Finished> poll(std::chrono::milliseconds timeout) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override;
  void tick() override { drive(); }
  Result<void> close() override;
  std::string last_error() const override { return error_; }
  std::vector<SinkMeasure> measures() const override { return statistics_.measures(); }

 private:
  struct Held {
    const Batch* batch = nullptr;
    std::vector<std::uint32_t> next;  // its chains
    std::list<RelayPart> parts;
    std::vector<std::size_t> too_long;
    bool pending = false;
  };
  using HeldList = std::list<Held>;

  HeldList::iterator find(const Batch& batch);
  HeldList::iterator hold(const Batch& batch);
  bool anything_pending() const noexcept;
  static bool delivered(const Held& held) noexcept;
  static bool homeless(const Held& held) noexcept;
  void assign(Held& held);
  void split_by_key(Held& held, const RelayPart& part, const std::vector<bool>& usable);
  std::vector<bool> usable() const;
  Upstream& choose(const std::vector<bool>& usable);
  void drive();
  std::vector<Finished> collect();
  HeldList::iterator finish(HeldList::iterator held);
  void wait(Clock::time_point deadline);
  bool all_written() const noexcept;
  void note_error();
  void note_numbers();
  bool acknowledged() const noexcept { return config_.protocol == config::RelayProtocol::kForward; }

  const std::string name_;
  const config::RelaySink config_;
  const std::unique_ptr<const Encoder> encoder_;
  RelayStatistics statistics_;
  ForwardSending forward_;  // of that protocol
  std::vector<std::unique_ptr<Upstream>> upstreams_;
  std::vector<std::uint64_t> seeds_;                           // of hashing, by upstream
  std::size_t turn_ = 0;                                       // of round robin
  HeldList held_;                                              // oldest first
  std::map<const Batch*, std::vector<std::size_t>> too_long_;  // of what has just been delivered
  bool abandoned_ = false;
  Clock::time_point last_progress_{};
  std::chrono::milliseconds arrival_wait_{1};
  std::string error_;
};

}  // namespace penstock
