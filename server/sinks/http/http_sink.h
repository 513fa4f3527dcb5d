#pragma once

#include <chrono>
#include <deque>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/sink.h"
#include "server/sinks/http/http_answer.h"
#include "server/sinks/http/http_body.h"
#include "server/sinks/http/http_times.h"
#include "server/sinks/http/http_transfer.h"
#include "server/sinks/http/http_work.h"

namespace penstock {

/// `type = "http"`: records as bodies of POST requests. Delivered means that the server has answered so.
///
/// While `in_flight` requests are on their way, what comes waits and then goes out together, up to `batch_bytes`. When one
/// fails for now, no other begins; once those on their way have ended, all that is left begins again in its order, after
/// the oldest batch was written again. Records are refused for good only by what the server says of them: a request that
/// is refused as a whole is halved until the records are found, one whose bad record is named goes on behind it; until
/// kMostTries requests have been spent on it.
class HttpSink final : public Sink {
 public:
  explicit HttpSink(const config::Sink& config);
  HttpSink(const HttpSink&) = delete;
  HttpSink& operator=(const HttpSink&) = delete;
  ~HttpSink() override;

  Result<void> open() override;  ///< does not wait for any server
  WriteStatus write(const Batch& batch) override;
  std::size_t window() const noexcept override { return kWindow; }
  std::vector<Finished> poll(std::chrono::milliseconds wait) override;
  std::vector<FrameRange> abandon(const Batch& batch) override;
  std::vector<Undeliverable> undeliverable(const Batch& batch) override;
  Result<void> close() override;
  void request_interrupt() noexcept override;
  std::string last_error() const override { return error_; }

 private:
  using Clock = std::chrono::steady_clock;

  /// What its queue holds limits it first, unless batches are small.
  static constexpr std::size_t kWindow = 256;
  static constexpr int kMostTries = 64;
  static constexpr std::chrono::seconds kLongestWait{300};  // that Retry-After can ask for

  struct Active {
    HttpWork work;
    std::unique_ptr<HttpTransfer> transfer;
  };

  HttpHeld* find(const Batch& batch) noexcept;
  HttpHeld& take(const Batch& batch);
  void queue_all();
  void start_requests();
  HttpWork next_work();
  std::string encode(HttpWork& work);
  std::size_t append(const HttpPiece& piece, std::string& body);
  void reap();
  void end(Active ended, CURLcode result);
  void act_on(const HttpVerdict& verdict, HttpWork work);
  void act_on_records(const HttpVerdict& verdict, const HttpWork& work);
  void narrow_down(HttpWork work, const std::string& answer);
  void refuse_first(const HttpWork& work, const std::string& answer);
  void settle(const HttpWork& work);
  void refuse(const HttpWork& work, const std::string& answer);
  void put_back(const HttpWork& work);
  void put_back_queue();
  void fail_for_now(const std::string& why);
  std::vector<Finished> take_finished();

  const config::Sink config_;
  const std::unique_ptr<HttpBody> body_;
  const std::string url_, shown_url_;
  const std::vector<std::string> headers_;
  std::optional<HttpTransfers> transfers_;  // once open() was called

  DistinctTimes times_;
  std::list<HttpHeld> held_;     // in the order of write()
  std::deque<HttpPiece> queue_;  // what no request has tried yet, or again from the beginning
  std::deque<HttpWork> parts_;   // of requests that were refused: before the queue
  std::list<Active> active_;     // on their way
  bool failing_ = false;         // nothing begins until none is on its way
  const Batch* stopped_ =
      nullptr;  // the batch that kRetry was said of: nothing begins until it is written again
  Clock::time_point not_before_{};                                       // by Retry-After
  std::unordered_map<const Batch*, std::vector<Undeliverable>> losses_;  // until undeliverable()
  std::string error_;
};

}  // namespace penstock
