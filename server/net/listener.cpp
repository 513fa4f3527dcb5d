#include "server/net/listener.h"

#include <algorithm>

#include "server/net/listener_share.h"

namespace penstock {

Listener::Listener(std::shared_ptr<const ListenerOptions> options, std::vector<Route> routes,
                   Ledger& ledger, Quarantine& quarantine, ConnectionBudget& budget,
                   std::function<void(EventLoop::Task)> post_main)
    : options_(std::move(options)),
      routes_(std::move(routes)),
      ledger_(ledger),
      quarantine_(quarantine),
      tap_point_(options_->name),
      admission_(budget, options_->max_connections, options_->max_connections_per_peer),
      post_main_(std::move(post_main)) {}

Listener::~Listener() = default;

void Listener::add_socket(BoundSocket socket) {
  origins_.push_back({options_->name, socket.url});
  url_ledgers_[&origins_.back()] = &ledger_.url(options_->name, socket.url);
  endpoints_.push_back(
      {&origins_.back(), socket.scheme, socket.address, kernel::socket_cookie(socket.fd.get())});
  bound_.push_back({std::move(socket), &origins_.back()});
}

std::vector<std::string> Listener::urls() const {
  std::vector<std::string> urls;
  for (const Origin& origin : origins_) urls.push_back(origin.url);
  return urls;
}

Result<void> Listener::start_listening() {
  for (const Bound& bound : bound_) {
    if (is_datagram(bound.socket.scheme)) continue;
    if (auto listening = penstock::start_listening(bound.socket, options_->backlog); !listening)
      return listening;
  }
  return {};
}

void Listener::start(const std::vector<IoLoop*>& loops, BlockPool& pool, bool tracks_completion) {
  loops_ = loops;
  const ListenerLedger& ledger = ledger_.listener(options_->name);
  // All shares first: an acceptor deals connections out to any loop as soon as it lives.
  for (IoLoop* loop : loops_) {
    auto share = std::make_unique<ListenerShare>(*this, *loop, routes_, pool,
                                                 *ledger.batches[loop->index()], tracks_completion);
    shares_.push_back(share.get());
    auto handle =
        std::make_shared<std::unique_ptr<ListenerShare>>(std::move(share));  // std::function copies
    loop->post([loop, handle] { loop->add_share(std::move(*handle)); });
  }
  if (options_->aggregate) start_flushing();
  static std::atomic<std::size_t> next_loop{
      0};  // the whole process's sockets are dealt out in turn
  for (Bound& bound : bound_) {
    one_began();
    const std::size_t at = next_loop.fetch_add(1) % loops_.size();
    auto handle = std::make_shared<Bound>(std::move(bound));
    loops_[at]->post([share = shares_[at], handle] {
      share->add_socket(std::move(handle->socket), *handle->origin);
    });
  }
  bound_.clear();
}

void Listener::start_flushing() {
  flush_origin_ = {options_->name, "aggregate://" + options_->name};
  url_ledgers_[&flush_origin_] = &ledger_.url(flush_origin_.listener, flush_origin_.url);
  last_flush_ = Flush::kToCome;
  loops_.front()->post([this, share = shares_.front()] { share->start_flushing(flush_origin_); });
}

void Listener::deal_out(Accepted accepted, ListenerShare& here) {
  const auto least_busy = std::min_element(
      loops_.begin(), loops_.end(), [](IoLoop* a, IoLoop* b) { return a->load() < b->load(); });
  one_began();
  (*least_busy)->expect_connection();
  ListenerShare* share = shares_[static_cast<std::size_t>(least_busy - loops_.begin())];
  if (share == &here) return share->adopt(std::move(accepted));
  auto handle = std::make_shared<Accepted>(std::move(accepted));
  (*least_busy)->post([share, handle] { share->adopt(std::move(*handle)); });
}

void Listener::one_ended() {
  // Between two connections zero is reached all the time; only a drain makes it final. drain() looks at the count after
  // it has set the flag, this at the flag after the count: one of them sees both.
  if (outstanding_.fetch_sub(1) == 1 && drain_asked_) answer_when_drained();
}

void Listener::answer_when_drained() {
  post_main_([this] {
    if (outstanding_.load() == 0) finish();
  });
}

/// No decoder is left: what they have aggregated goes out before anybody is told that all was read.
void Listener::finish() {
  if (last_flush_ == Flush::kDone) return answer();
  if (std::exchange(last_flush_, Flush::kAsked) == Flush::kAsked) return;
  loops_.front()->post([this, share = shares_.front()] {
    share->finish_flushing([this] {
      post_main_([this] {
        last_flush_ = Flush::kDone;
        answer();
      });
    });
  });
}

void Listener::answer() {
  for (const auto& done : std::exchange(done_, {})) done();
}

template <class Call>
void Listener::on_each_loop(Call&& call) {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    loops_[i]->post([share = shares_[i], call] { call(*share); });
  }
}

void Listener::drain(std::function<void()> done) {
  done_.push_back(std::move(done));
  drain_asked_ = true;
  on_each_loop([](ListenerShare& share) { share.begin_drain(); });
  if (outstanding_.load() == 0) answer_when_drained();
}

void Listener::at_deadline() {
  on_each_loop([](ListenerShare& share) { share.at_deadline(); });
}

void Listener::at_flush_deadline() {
  on_each_loop([](ListenerShare& share) { share.at_flush_deadline(); });
}

}  // namespace penstock
