#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>

#include "protocols/core/batch.h"
#include "server/admin/tap_rate.h"
#include "server/pipeline/tap_point.h"
#include "server/sinks/json_encoder.h"

namespace penstock::admin {

struct TapOptions {
  enum class Format : std::uint8_t { kJson, kText };
  static constexpr unsigned kDefaultRate = 100;
  static constexpr unsigned kMaxRate = 10'000;

  std::string peer;              ///< part of what peer_text() gives; empty: all
  std::string contains;          ///< bytes within the message; empty: all
  unsigned rate = kDefaultRate;  ///< records a second, 1 to kMaxRate
  Format format = Format::kJson;
};

/// One who looks at a listener's records. A thread shows it batches; what passes its filter and its rate is copied as
/// text into a buffer that has an end, from which the HTTP thread takes it: a client that reads slowly, or not at all,
/// keeps no batch. What it does not get to see it is told of once a second:
///
///     {"skipped":12}                 12 records passed the filter, and were over the rate or the buffer was full
///     {"skipped":12,"unseen":3400}   and 3400 were not looked at at all, for there was no time
///
/// or `# 12 records skipped, 3400 not looked at` as text. Now and then it is told so with zeros: that a client has gone
/// is only seen by writing to it.
class Tap {
 public:
  static constexpr std::size_t kBufferBytes = std::size_t{256} << 10;
  static constexpr std::chrono::seconds kNoteInterval{1};
  static constexpr std::chrono::seconds kQuietNote{5};  ///< a sign of life this long after the last

  using Time = std::chrono::steady_clock::time_point;

  Tap(TapPoint& point, TapOptions options, Time now);

  TapPoint& point() const noexcept { return point_; }

  // ---- the thread that looks
  void look(const Batch& batch, Time now);
  void count_unseen(std::uint64_t records) noexcept { unseen_ += records; }
  void note(Time now);  ///< tells what was left out, where it is time for that

  // ---- any thread
  std::size_t unread_bytes() const;
  /// Takes bytes out of the buffer; 0: there are none.
  std::size_t read(std::span<char> room);
  void end() noexcept { ended_ = true; }  ///< nobody reads it any more
  bool ended() const noexcept { return ended_; }

 private:
  bool wants(const Segment& segment);
  bool wants(std::string_view message) const noexcept;
  bool show(const Batch& batch, const Segment& segment, std::size_t frame);
  bool append(std::string_view line);

  TapPoint& point_;
  const TapOptions options_;
  TapRate rate_;
  Peer last_peer_;  // segments come in runs of one peer
  bool wants_last_peer_ = false;
  std::uint64_t skipped_ = 0, unseen_ = 0;  // not yet told
  Time noted_, shown_;
  JsonEncoder encoder_;
  EncodeBuffer encoded_;
  std::string line_;

  mutable std::mutex mutex_;  // guards what follows
  std::string buffer_;
  std::size_t read_ = 0;  // of the buffer's front
  std::atomic<bool> ended_{false};
};

}  // namespace penstock::admin
