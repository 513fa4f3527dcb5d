#include "server/admin/sampler.h"

#include <pthread.h>

#include "server/pipeline/signals_blocked.h"

namespace penstock::admin {

Sampler::Sampler(Source& source, std::function<void(const Status&)> on_sample)
    : source_(source), sockets_(source.endpoints()), on_sample_(std::move(on_sample)) {
  const SignalsBlocked blocked;
  thread_ = std::thread([this] { run(); });
}

Sampler::~Sampler() { stop(); }

void Sampler::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Status Sampler::status() const {
  Status status = source_.status();
  const std::lock_guard lock(mutex_);
  for (ListenerStatus& listener : status.listeners) {
    for (UrlStatus& url : listener.urls) {
      const auto found = kernel_totals_.find(url.totals.url);
      if (found == kernel_totals_.end()) continue;
      url.kernel = found->second;
      listener.kernel += found->second;
    }
  }
  return status;
}

void Sampler::run() {
  pthread_setname_np(pthread_self(), "admin sampler");
  auto next = std::chrono::steady_clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    look();
    lock.lock();
    // Behind a pause (a stopped process) there is one look, not all that were missed.
    next = std::max(next + kInterval, std::chrono::steady_clock::now());
    changed_.wait_until(lock, next, [this] { return stopping_; });
  }
}

void Sampler::look() {
  sockets_.look();
  auto totals = sockets_.totals();
  {
    const std::lock_guard lock(mutex_);
    kernel_totals_ = std::move(totals);
  }
  on_sample_(status());
}

}  // namespace penstock::admin
