#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>

#include "server/admin/history.h"
#include "server/admin/http.h"

namespace penstock::admin {

/// `/api/events`: server-sent events (WHATWG HTML, section 9.2). First `history`, then `status` at each look of the
/// sampler: the document of /api/status with `rates`. A reader that is behind gets the newest and not all that it
/// missed; one that does not take an event in `patience` is dropped. Outlives its streams.
class Events {
 public:
  explicit Events(std::chrono::milliseconds patience = std::chrono::seconds(10))
      : patience_(patience) {}

  /// A look at the server. Any thread; the streams are to be woken behind it.
  void publish(const Status& now);
  HttpReply open();

  /// The event that a reader of `seen` has not seen yet, and its number in `seen`; null: there is none. Any thread.
  std::shared_ptr<const std::string> next(std::uint64_t& seen);

 private:
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;  // guards what follows
  Status latest_;
  Rates rates_;
  History history_;
  std::uint64_t number_ = 0;  // of looks
  std::shared_ptr<const std::string>
      event_;  // of the latest look, made for the first reader that asks
};

}  // namespace penstock::admin
