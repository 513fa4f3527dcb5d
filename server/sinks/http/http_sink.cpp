#include "server/sinks/http/http_sink.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "protocols/core/check.h"
#include "protocols/core/errno_text.h"
#include "server/sinks/http/http_request.h"

namespace penstock {
namespace {

/// The segment that holds frame `frame`.
const Segment& segment_of(const Batch& batch, std::size_t frame) {
  const auto behind =
      std::upper_bound(batch.segments.begin(), batch.segments.end(), frame,
                       [](std::size_t at, const Segment& segment) { return at < segment.first; });
  return *std::prev(behind);
}

/// Of all frames those that no entry of `losses` has.
std::vector<FrameRange> frames_without(std::size_t frames,
                                       const std::vector<Undeliverable>& losses) {
  std::vector<FrameRange> left;
  std::size_t at = 0;
  for (const Undeliverable& loss : losses) {
    if (loss.frames.first > at) left.push_back({at, loss.frames.first - at});
    at = loss.frames.first + loss.frames.count;
  }
  if (at < frames) left.push_back({at, frames - at});
  return left;
}

bool takes_equal_for_one(const config::Sink& sink) noexcept {
  return sink.http.preset == config::HttpPreset::kLoki ||
         sink.encoding == config::Encoding::kInflux;
}

Segment moved(Segment segment, std::int64_t shift_ns) noexcept {
  segment.time_ns += shift_ns;
  return segment;
}

bool holds(const HttpWork& work, const HttpHeld& held) {
  return std::any_of(work.pieces.begin(), work.pieces.end(),
                     [&](const HttpPiece& piece) { return piece.held == &held; });
}

}  // namespace

HttpSink::HttpSink(const config::Sink& config)
    : config_(config),
      body_(make_http_body(config_)),
      url_(http_url(config_.http)),
      shown_url_(shown_http_url(url_)),
      headers_(http_headers(config_.http, body_->content_type())) {}

HttpSink::~HttpSink() {
  if (transfers_) static_cast<void>(close());
}

Result<void> HttpSink::open() {
  init_curl();
  for (const std::string* file :
       {&config_.http.ca_file, &config_.http.client_cert, &config_.http.client_key}) {
    if (!file->empty() && ::access(file->c_str(), R_OK) < 0)
      return fail(errno, "sink \"" + config_.name + "\": read " + *file + ": " + errno_text(errno));
  }
  transfers_.emplace();
  return {};
}

Result<void> HttpSink::close() {
  for (Active& active : active_) transfers_->stop(*active.transfer);
  active_.clear();
  return {};
}

void HttpSink::request_interrupt() noexcept {
  if (transfers_) transfers_->wake();
}

// ---- batches

HttpHeld* HttpSink::find(const Batch& batch) noexcept {
  const auto at = std::find_if(held_.begin(), held_.end(),
                               [&](const HttpHeld& held) { return held.batch == &batch; });
  return at == held_.end() ? nullptr : &*at;
}

HttpHeld& HttpSink::take(const Batch& batch) {
  HttpHeld& held = held_.emplace_back(HttpHeld{.batch = &batch});
  held.losses = body_->unencodable(batch);
  held.waiting = frames_without(batch.frames.size(), held.losses);
  for (const FrameRange& range : held.waiting) held.left += range.count;
  if (takes_equal_for_one(config_)) held.shift_ns = times_.shift_ns(batch);
  return held;
}

WriteStatus HttpSink::write(const Batch& batch) {
  const HttpHeld* held = find(batch);
  if (held == nullptr) {
    held = &take(batch);
    if (held->left == 0) {
      losses_[&batch] = std::move(held_.back().losses);
      held_.pop_back();
      return WriteStatus::kDelivered;
    }
  }
  if (stopped_ == &batch) {
    if (Clock::now() < not_before_) return WriteStatus::kRetry;
    stopped_ = nullptr;
  }
  if (stopped_ == nullptr) queue_all();
  start_requests();
  return WriteStatus::kPending;
}

void HttpSink::queue_all() {
  for (HttpHeld& held : held_) {
    for (const FrameRange& range : held.waiting) queue_.push_back({&held, range});
    held.waiting.clear();
  }
}

std::vector<Finished> HttpSink::poll(std::chrono::milliseconds wait) {
  reap();
  std::vector<Finished> finished = take_finished();
  if (finished.empty()) {
    transfers_->wait(wait);
    reap();
    finished = take_finished();
  }
  start_requests();
  return finished;
}

std::vector<Finished> HttpSink::take_finished() {
  std::vector<Finished> finished;
  for (auto at = held_.begin(); at != held_.end();) {
    if (at->left != 0) {
      ++at;
      continue;
    }
    if (!at->losses.empty()) losses_[at->batch] = std::move(at->losses);
    finished.push_back({at->batch, WriteStatus::kDelivered});
    at = held_.erase(at);
  }
  if (!failing_ || !active_.empty()) return finished;
  failing_ = false;
  put_back_queue();
  // One is enough, the oldest: the runner waits longer after each kRetry.
  PENSTOCK_CHECK(!held_.empty());
  stopped_ = held_.front().batch;
  finished.push_back({stopped_, WriteStatus::kRetry});
  return finished;
}

std::vector<FrameRange> HttpSink::abandon(const Batch& batch) {
  HttpHeld* const held = find(batch);
  if (held == nullptr) return {{0, batch.frames.size()}};
  for (auto at = active_.begin(); at != active_.end();) {
    if (!holds(at->work, *held)) {
      ++at;
      continue;
    }
    transfers_->stop(*at->transfer);
    put_back(at->work);
    at = active_.erase(at);
  }
  put_back_queue();
  std::vector<FrameRange> undelivered = std::move(held->waiting);
  for (const Undeliverable& loss : held->losses) add_range(undelivered, loss.frames);
  held_.remove_if([&](const HttpHeld& one) { return &one == held; });
  if (stopped_ == &batch) stopped_ = nullptr;
  if (active_.empty()) failing_ = false;
  if (stopped_ == nullptr) queue_all();
  return undelivered;
}

std::vector<Undeliverable> HttpSink::undeliverable(const Batch& batch) {
  const auto at = losses_.find(&batch);
  if (at == losses_.end()) return {};
  std::vector<Undeliverable> losses = std::move(at->second);
  losses_.erase(at);
  return losses;
}

// ---- requests

void HttpSink::start_requests() {
  while (!failing_ && stopped_ == nullptr && active_.size() < config_.http.in_flight &&
         !(parts_.empty() && queue_.empty())) {
    Active active{next_work(), nullptr};
    std::string body = http_compressed(config_.http.compression, encode(active.work));
    active.transfer = std::make_unique<HttpTransfer>(config_.http, url_, headers_, std::move(body));
    transfers_->start(*active.transfer);
    active_.push_back(std::move(active));
  }
  transfers_->move();
}

HttpWork HttpSink::next_work() {
  HttpWork work;
  if (!parts_.empty()) {
    work = std::move(parts_.front());
    parts_.pop_front();
  } else {
    work.pieces = std::move(queue_);
    queue_.clear();
  }
  return work;
}

/// As much of `work` as a body holds; the rest of it goes back to the front.
std::string HttpSink::encode(HttpWork& work) {
  std::string body;
  std::size_t count = 0;
  for (const HttpPiece& piece : work.pieces) {
    if (body.size() >= config_.http.batch_bytes) break;
    count += append(piece, body);
  }
  body_->finish(body);
  const std::size_t all = count_frames(work);
  if (count == all) return body;
  HttpWork rest = part_of(work, count, all - count);
  work = part_of(work, 0, count);
  if (rest.tries != nullptr)
    parts_.push_front(std::move(rest));
  else
    queue_.insert(queue_.begin(), rest.pieces.begin(), rest.pieces.end());
  return body;
}

/// How many frames of the piece were appended.
std::size_t HttpSink::append(const HttpPiece& piece, std::string& body) {
  const Batch& batch = *piece.held->batch;
  const Segment* segment = &segment_of(batch, piece.frames.first);
  Segment timed = moved(*segment, piece.held->shift_ns);
  std::size_t done = 0;
  for (; done < piece.frames.count && body.size() < config_.http.batch_bytes; ++done) {
    const std::size_t frame = piece.frames.first + done;
    while (frame >= std::size_t{segment->first} + segment->count)
      timed = moved(*++segment, piece.held->shift_ns);
    body_->append(batch, timed, frame, body);
  }
  return done;
}

void HttpSink::reap() {
  transfers_->move();
  CURLcode result = CURLE_OK;
  while (CURL* const handle = transfers_->next_ended(result)) {
    const auto at = std::find_if(active_.begin(), active_.end(), [&](const Active& active) {
      return active.transfer->handle() == handle;
    });
    PENSTOCK_CHECK(at != active_.end());
    transfers_->stop(*at->transfer);
    Active ended = std::move(*at);
    active_.erase(at);
    end(std::move(ended), result);
  }
}

void HttpSink::end(Active ended, CURLcode result) {
  const HttpTransfer& transfer = *ended.transfer;
  if (const std::string failure = transfer.failure(result); !failure.empty()) {
    put_back(ended.work);
    return fail_for_now(failure);
  }
  const HttpVerdict verdict =
      judge(config_.http.preset, transfer.status(), transfer.answer(), count_frames(ended.work));
  act_on(verdict, std::move(ended.work));
  if (failing_ && transfer.retry_after().count() > 0)
    not_before_ = Clock::now() + std::min(transfer.retry_after(), kLongestWait);
}

void HttpSink::act_on(const HttpVerdict& verdict, HttpWork work) {
  if (verdict.taken != 0) {
    settle(part_of(work, 0, verdict.taken));
    work = part_of(work, verdict.taken, count_frames(work) - verdict.taken);
  }
  switch (verdict.kind) {
    case HttpVerdict::Kind::kTaken: return settle(work);
    case HttpVerdict::Kind::kAgain: put_back(work); return fail_for_now(verdict.answer);
    case HttpVerdict::Kind::kRefused: return narrow_down(std::move(work), verdict.answer);
    case HttpVerdict::Kind::kFirstRefused: return refuse_first(work, verdict.answer);
    case HttpVerdict::Kind::kMixed: return act_on_records(verdict, work);
  }
}

void HttpSink::act_on_records(const HttpVerdict& verdict, const HttpWork& work) {
  std::size_t next = 0;
  for (const HttpVerdict::Record& record : verdict.records) {
    settle(part_of(work, next, record.index - next));
    next = record.index + 1;
    const HttpWork one{{frame_of(work, record.index)}, {}};
    if (record.refused) {
      refuse(one, record.answer);
    } else {
      put_back(one);
      fail_for_now(record.answer);
    }
  }
  settle(part_of(work, next, count_frames(work) - next));
}

/// Which record is it? One that stands alone is, and all of them when it takes too long.
void HttpSink::narrow_down(HttpWork work, const std::string& answer) {
  const std::size_t count = count_frames(work);
  if (work.tries == nullptr) work.tries = std::make_shared<int>(kMostTries);
  if (count == 1 || *work.tries < 2) return refuse(work, answer);
  *work.tries -= 2;
  parts_.push_front(part_of(work, count / 2, count - count / 2));
  parts_.push_front(part_of(work, 0, count / 2));
}

/// Those behind it are sent again, unless it takes too long.
void HttpSink::refuse_first(const HttpWork& work, const std::string& answer) {
  refuse(part_of(work, 0, 1), answer);
  HttpWork others = part_of(work, 1, count_frames(work) - 1);
  if (others.pieces.empty()) return;
  if (others.tries == nullptr) others.tries = std::make_shared<int>(kMostTries);
  if (*others.tries < 1) return refuse(others, answer);
  --*others.tries;
  parts_.push_front(std::move(others));
}

// ---- what became of frames

void HttpSink::settle(const HttpWork& work) {
  for (const HttpPiece& piece : work.pieces) piece.held->left -= piece.frames.count;
}

void HttpSink::refuse(const HttpWork& work, const std::string& answer) {
  for (const HttpPiece& piece : work.pieces) {
    auto& losses = piece.held->losses;
    const auto at = std::find_if(losses.begin(), losses.end(), [&](const Undeliverable& loss) {
      return loss.frames.first > piece.frames.first;
    });
    losses.insert(at, {piece.frames, RouteLoss::kRefused, answer});
    piece.held->left -= piece.frames.count;
  }
}

void HttpSink::put_back(const HttpWork& work) {
  for (const HttpPiece& piece : work.pieces) add_range(piece.held->waiting, piece.frames);
}

void HttpSink::put_back_queue() {
  for (const HttpWork& part : parts_) put_back(part);
  parts_.clear();
  put_back({queue_, {}});
  queue_.clear();
}

void HttpSink::fail_for_now(const std::string& why) {
  failing_ = true;
  error_ = "POST " + shown_url_ + ": " + why;
}

}  // namespace penstock
