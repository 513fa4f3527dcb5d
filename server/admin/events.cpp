#include "server/admin/events.h"

#include <algorithm>
#include <utility>

#include "server/admin/status_json.h"

namespace penstock::admin {
namespace {

using Clock = std::chrono::steady_clock;

/// `data` is one line, as JSON is here: control characters in it are escaped.
std::string event_text(std::string_view name, std::string_view data) {
  std::string text = "event: ";
  text.append(name).append("\ndata: ").append(data).append("\n\n");
  return text;
}

class EventStream final : public HttpStream {
 public:
  EventStream(Events& events, std::string first, std::chrono::milliseconds patience)
      : events_(events),
        patience_(patience),
        event_(std::make_shared<const std::string>(std::move(first))) {}

  Read read(std::span<char> room) override {
    if (at_ == event_->size() && !begin_next()) return {.status = Status::kNothingYet};
    if (at_ != 0 && Clock::now() - begun_ >= patience_) return {.status = Status::kEnd};
    const std::size_t bytes = event_->copy(room.data(), room.size(), at_);
    at_ += bytes;
    return {.status = Status::kBytes, .bytes = bytes};
  }

 private:
  bool begin_next() {
    auto next = events_.next(seen_);
    if (!next) return false;
    event_ = std::move(next);
    at_ = 0;
    begun_ = Clock::now();
    return true;
  }

  Events& events_;
  const std::chrono::milliseconds patience_;
  std::shared_ptr<const std::string> event_;
  std::size_t at_ = 0;  // in event_
  std::uint64_t seen_ = 0;
  Clock::time_point begun_ = Clock::now();
};

}  // namespace

void Events::publish(const penstock::Status& now) {
  const std::lock_guard lock(mutex_);
  rates_ = rates_between(latest_, now);
  history_.add(now, rates_);
  latest_ = now;
  event_.reset();
  ++number_;
}

HttpReply Events::open() {
  const std::lock_guard lock(mutex_);
  return {.type = "text/event-stream",
          .headers = {{"Cache-Control", "no-store"}},
          .stream = std::make_unique<EventStream>(*this, event_text("history", history_.json()),
                                                  patience_)};
}

std::shared_ptr<const std::string> Events::next(std::uint64_t& seen) {
  const std::lock_guard lock(mutex_);
  if (seen == number_) return nullptr;
  seen = number_;
  if (!event_) {
    JsonDocument json;
    json.open_object();
    add_status(json, latest_);
    add_rates(json, rates_);
    json.close_object();
    event_ = std::make_shared<const std::string>(event_text("status", json.text()));
  }
  return event_;
}

}  // namespace penstock::admin
