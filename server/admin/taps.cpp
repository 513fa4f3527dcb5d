#include "server/admin/taps.h"

#include <pthread.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>

#include "server/pipeline/signals_blocked.h"

namespace penstock::admin {
namespace {

using std::chrono::steady_clock;

/// Readers are woken this often at most: each time all streams are asked.
constexpr std::chrono::milliseconds kWakeGap{20};
/// Looking is not as urgent as reading and writing; but never without time, for it holds batches meanwhile.
constexpr int kNice = 10;
/// At the stop: for how long readers may take the rest, and how often it is looked whether they have.
constexpr std::chrono::milliseconds kFarewell{200}, kFarewellLook{2};

std::optional<unsigned> rate_of(const std::string& text) {
  if (text.empty()) return TapOptions::kDefaultRate;
  unsigned rate = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, rate);
  if (error != std::errc{} || stop != end || rate == 0 || rate > TapOptions::kMaxRate)
    return std::nullopt;
  return rate;
}

class TapStream final : public HttpStream {
 public:
  explicit TapStream(std::shared_ptr<Tap> tap) : tap_(std::move(tap)) {}
  ~TapStream() override { tap_->end(); }
  Read read(std::span<char> room) override {
    const std::size_t bytes = tap_->read(room);
    if (bytes != 0) return {Status::kBytes, bytes};
    return {tap_->ended() ? Status::kEnd : Status::kNothingYet, 0};
  }

 private:
  const std::shared_ptr<Tap> tap_;
};

}  // namespace

Taps::Taps(std::vector<TapPoint*> points, std::function<void()> on_bytes)
    : points_(std::move(points)), on_bytes_(std::move(on_bytes)) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Taps::~Taps() { stop(); }

void Taps::stop() {
  if (!thread_.joinable()) return;
  stopping_ = true;
  bell_.ring();
  thread_.join();
  std::vector<std::shared_ptr<Tap>> taps;
  {
    const std::lock_guard lock(mutex_);
    for (TapPoint* point : points_) point->close();
    taps.swap(taps_);
  }
  for (const auto& tap : taps) tap->end();
  on_bytes_();
  // Readers get what is left and the end; one that does not read is not waited for long.
  const auto has_reader = [](const auto& tap) { return tap.use_count() != 1; };
  const Time deadline = steady_clock::now() + kFarewell;
  while (std::any_of(taps.begin(), taps.end(), has_reader) && steady_clock::now() < deadline)
    std::this_thread::sleep_for(kFarewellLook);
}

// ---- requests -----------------------------------------------------------------------------------------------------

HttpReply Taps::open(const HttpRequest& request) {
  TapPoint* const point = find(request.parameter("listener"));
  if (point == nullptr && request.parameter("listener").empty())
    return HttpReply::error(400, "which listener? There are: " + names());
  if (point == nullptr) return HttpReply::error(404, "no such listener. There are: " + names());
  const std::string& format = request.parameter("format");
  if (!format.empty() && format != "json" && format != "text")
    return HttpReply::error(400, "format: expected json or text");
  const auto rate = rate_of(request.parameter("rate"));
  if (!rate)
    return HttpReply::error(
        400, "rate: expected records a second, 1 to " + std::to_string(TapOptions::kMaxRate));
  const bool text = format == "text";
  auto tap = add(*point, {.peer = request.parameter("peer"),
                          .contains = request.parameter("contains"),
                          .rate = *rate,
                          .format = text ? TapOptions::Format::kText : TapOptions::Format::kJson});
  if (!tap)
    return HttpReply::error(
        503, "there are " + std::to_string(kMostTaps) + " taps already, which is the most");
  return {.type = text ? "text/plain; charset=utf-8" : "application/x-ndjson",
          .headers = {{"Cache-Control", "no-store"}},
          .stream = std::make_unique<TapStream>(std::move(tap))};
}

TapPoint* Taps::find(const std::string& listener) const {
  if (listener.empty()) return points_.size() == 1 ? points_.front() : nullptr;
  const auto found = std::find_if(points_.begin(), points_.end(), [&](const TapPoint* point) {
    return point->listener() == listener;
  });
  return found != points_.end() ? *found : nullptr;
}

std::string Taps::names() const {
  std::string names;
  for (const TapPoint* point : points_) names += (names.empty() ? "" : ", ") + point->listener();
  return names;
}

std::shared_ptr<Tap> Taps::add(TapPoint& point, TapOptions options) {
  const std::lock_guard lock(mutex_);
  std::erase_if(taps_, [](const auto& tap) { return tap->ended(); });
  if (stopping_ || taps_.size() >= kMostTaps) return nullptr;
  taps_.push_back(std::make_shared<Tap>(point, std::move(options), steady_clock::now()));
  point.open(bell_);
  bell_.ring();
  return taps_.back();
}

// ---- the thread ---------------------------------------------------------------------------------------------------

void Taps::run() {
  pthread_setname_np(pthread_self(), "admin tap");
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::syscall(SYS_gettid)), kNice);
  Time next = Time::max();
  while (!stopping_) {
    (void)bell_.wait(next);
    const auto taps = living();
    for (TapPoint* point : points_) look(*point, taps);
    const Time now = steady_clock::now();
    bool have_bytes = false;
    for (const auto& tap : taps) {
      tap->note(now);
      have_bytes = have_bytes || tap->unread_bytes() != 0;
    }
    next = taps.empty() ? Time::max() : wake_readers(have_bytes, now);
  }
}

/// Closes the points that nobody looks at any more.
std::vector<std::shared_ptr<Tap>> Taps::living() {
  const std::lock_guard lock(mutex_);
  std::erase_if(taps_, [](const auto& tap) { return tap->ended(); });
  for (TapPoint* point : points_) {
    const bool tapped = std::any_of(taps_.begin(), taps_.end(),
                                    [&](const auto& tap) { return &tap->point() == point; });
    if (!tapped) point->close();
  }
  return taps_;
}

/// Each batch is let go as soon as all have seen it.
void Taps::look(TapPoint& point, const std::vector<std::shared_ptr<Tap>>& taps) {
  TapPoint::Taken taken = point.take();
  for (auto& batch : taken.batches) {
    for (const auto& tap : taps)
      if (batch && &tap->point() == &point) tap->look(batch->batch(), steady_clock::now());
    batch.reset();
  }
  for (const auto& tap : taps)
    if (&tap->point() == &point) tap->count_unseen(taken.unseen);
}

/// Gives when to look at the readers again.
Taps::Time Taps::wake_readers(bool have_bytes, Time now) {
  if (have_bytes && now - woken_ >= kWakeGap) {
    woken_ = now;
    on_bytes_();
    have_bytes = false;
  }
  return have_bytes ? woken_ + kWakeGap : now + Tap::kNoteInterval;
}

}  // namespace penstock::admin
