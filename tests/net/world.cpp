#include "tests/net/world.h"

#include <catch2/catch.hpp>
#include <future>
#include <numeric>

namespace penstock::test {
namespace {

const auto kForever = std::chrono::steady_clock::time_point::max();

}  // namespace

World::World(Setup setup)
    : setup_(std::move(setup)),
      quarantine_(Quarantine::open(dir_ / "quarantine", std::size_t{64} << 20).value()),
      leftover_(std::make_unique<Leftover>(dir_ / "quarantine", system_files())),
      ledger_(setup_.loops),
      budget_(setup_.max_connections, setup_.max_refusals, setup_.beyond),
      partials_(setup_.partial_bytes),
      decompressors_(setup_.decompress_bytes, [this] {
        for (auto& loop : loops_) loop->post([one = loop.get()] { one->parked().resume_all(); });
      }) {
  for (unsigned i = 0; i < setup_.loops; ++i) {
    loops_.push_back(
        IoLoop::create(i, {budget_, partials_, decompressors_, setup_.stop}, ledger_.loop(i))
            .value());
  }
  std::vector<Route> routes;
  for (unsigned i = 0; i < setup_.sinks; ++i) {
    const std::string name = "sink" + std::to_string(i);
    auto sink = std::make_unique<ScriptedSink>();
    sinks_.push_back(sink.get());
    runners_.push_back(std::make_unique<QueuedRunner>(
        name, std::move(sink), setup_.queue_bytes, *quarantine_, *leftover_, [this] {
          for (auto& loop : loops_) loop->post([one = loop.get()] { one->parked().resume_all(); });
        }));
    routes.push_back({&runners_.back()->queue(), &ledger_.route("test", name), true, false});
  }
  if (setup_.reorders) {
    reorderer_ = std::make_unique<Reorderer>();
    routes.push_back({&reorderer_->queue(), &ledger_.route("test", "reorderer"), true, false});
  }
  if (!setup_.options.make_decoder)
    setup_.options.make_decoder = [raw = setup_.raw] { return make_raw_decoder(raw); };
  setup_.options.name = "test";
  listener_ = std::make_unique<Listener>(
      std::make_shared<const ListenerOptions>(setup_.options), routes, ledger_, *quarantine_,
      budget_, [this](EventLoop::Task task) { post_main(std::move(task)); });
  for (const std::string& text : setup_.urls) bind(text);
  REQUIRE(listener_->start_listening());
  for (auto& runner : runners_) runner->start();
  std::vector<IoLoop*> loops;
  for (auto& loop : loops_) {
    loop->start();
    loops.push_back(loop.get());
  }
  listener_->start(loops, pool_, setup_.acks);
}

/// `unix://NAME` without a slash lies in the test's folder.
void World::bind(const std::string& text) {
  const std::size_t at = text.find("://") + 3;
  const bool named = text.starts_with("unix") && text[at] != '@';
  auto bound = open_url(named ? text.substr(0, at) + path(text.substr(at)) : text,
                        {.gro = setup_.options.gro});
  REQUIRE(bound);
  for (BoundSocket& socket : *bound) {
    addresses_.emplace_back(socket.address, socket.scheme);
    listener_->add_socket(std::move(socket));
  }
}

World::~World() {
  finish();
  loops_.clear();
  CHECK(decompressors_.used_bytes() == 0);
}

Client World::connect(std::size_t url) {
  return Client(addresses_[url].first, addresses_[url].second);
}

UniqueFd World::unconnected(std::size_t url) const {
  return Client::unconnected(addresses_[url].first, addresses_[url].second);
}

Client World::connect(std::size_t url, UniqueFd socket) {
  return Client(addresses_[url].first, std::move(socket));
}

void World::post_main(EventLoop::Task task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  changed_.notify_all();
}

void World::drain() {
  drain_asked_ = true;
  listener_->drain([this] { drained_ = true; });
}

bool World::await_drained() {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!drained_) {
    std::deque<EventLoop::Task> tasks;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait_until(lock, end, [this] { return !tasks_.empty(); })) return false;
      tasks.swap(tasks_);
    }
    for (EventLoop::Task& task : tasks) task();
  }
  return true;
}

void World::on_loop(unsigned loop, const std::function<void(IoLoop&)>& task) {
  std::promise<void> done;
  loops_[loop]->post([&] {
    task(*loops_[loop]);
    done.set_value();
  });
  done.get_future().wait();
}

void World::seal_all() {
  for (unsigned i = 0; i < loops_.size(); ++i) on_loop(i, [](IoLoop& loop) { loop.seal_all(); });
}

void World::finish() {
  if (std::exchange(finished_, true)) return;
  for (ScriptedSink* sink : sinks_) sink->release();
  if (!drain_asked_) drain();
  CHECK(await_drained());
  seal_all();
  for (auto& runner : runners_) runner->finish();
  for (auto& runner : runners_) CHECK(runner->join_until(kForever));
  if (reorderer_) reorderer_->finish();
  for (auto& loop : loops_) {
    loop->stop();
    loop->join();
  }
  decompressors_.disconnect();
  quarantine_->close();
  check_ledger();
}

void World::check_ledger() const {
  const LedgerSnapshot snapshot = ledger_.snapshot();
  const ListenerTotals& listener = snapshot.listeners.at(0);
  CAPTURE(listener.read_bytes, listener.counts.in_frames_bytes, listener.counts.framing_bytes,
          listener.counts.cut_bytes);
  CHECK(listener.bytes_balance());
  CHECK(listener.frames_balance());
  CHECK(listener.partial_held_bytes == 0);
  CHECK(listener.active == 0);
  CHECK(listener.accepted ==
        std::accumulate(listener.ended.begin(), listener.ended.end(), std::uint64_t{0}));
  for (const RouteTotals& route : snapshot.routes) {
    CAPTURE(route.sink);
    CHECK(route.balance());
    CHECK(route.queued == 0);
    CHECK(route.events == listener.counts.events);
  }
  CHECK(budget_.used() == 0);
  CHECK(budget_.refusals_left());
  CHECK(partials_.used_bytes() == 0);
}

bool World::await_accepted(std::uint64_t n) {
  return eventually([&] { return totals().accepted >= n; });
}
bool World::await_read(std::uint64_t bytes) {
  return eventually([&] { return totals().read_bytes >= bytes; });
}
bool World::await_ended(std::uint64_t n) {
  return eventually([&] {
    const auto ended = totals().ended;
    return std::accumulate(ended.begin(), ended.end(), std::uint64_t{0}) >= n;
  });
}

bool World::await_gate_shut(std::size_t sink) {
  return eventually([&] { return sinks_[sink]->waits() && !runners_[sink]->queue().open(); });
}

}  // namespace penstock::test
