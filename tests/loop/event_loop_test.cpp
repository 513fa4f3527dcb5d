#include "server/loop/event_loop.h"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "server/loop/signal.h"
#include "server/loop/timer.h"

using namespace penstock;
using namespace std::chrono_literals;

namespace {
std::unique_ptr<EventLoop> make_loop() {
  auto loop = EventLoop::create();
  REQUIRE(loop);
  return std::move(*loop);
}
}  // namespace

TEST_CASE("tasks posted from several threads all run, those of one thread in order", "[loop]") {
  auto loop = make_loop();
  constexpr int kThreads = 4;
  constexpr int kEach = 2000;
  std::vector<int> next(kThreads, 0);
  int ran = 0;
  bool ordered = true;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        loop->post([&, t, i] {
          ordered = ordered && next[static_cast<std::size_t>(t)]++ == i;
          if (++ran == kThreads * kEach) loop->stop();
        });
      }
    });
  }
  loop->run();
  for (auto& thread : threads) thread.join();
  CHECK(ran == kThreads * kEach);
  CHECK(ordered);
}

TEST_CASE("a task that posts runs the new one in a later turn, after the turn's end", "[loop]") {
  auto loop = make_loop();
  int turns = 0;
  int turns_at_second = 0;
  loop->set_turn_end([&] { ++turns; });
  loop->post([&] {
    loop->post([&] {
      turns_at_second = turns;
      loop->stop();
    });
  });
  loop->run();
  CHECK(turns_at_second >= 1);
}

TEST_CASE("tasks posted after the loop has ended are destroyed unrun", "[loop]") {
  auto token = std::make_shared<int>(1);
  bool ran = false;
  {
    auto loop = make_loop();
    loop->post([&, token] { ran = true; });
  }
  CHECK_FALSE(ran);
  CHECK(token.use_count() == 1);
}

TEST_CASE("one turn has one time", "[loop]") {
  auto loop = make_loop();
  loop->post([&] {
    const Now first = loop->now();
    timespec pause{0, 2'000'000};
    nanosleep(&pause, nullptr);
    CHECK(loop->now().wall_ns == first.wall_ns);
    loop->post([&loop, first] {
      CHECK(loop->now().wall_ns > first.wall_ns);
      loop->stop();
    });
  });
  loop->run();
}

TEST_CASE("a timer can be destroyed in its own callback's turn and started again before",
          "[loop]") {
  auto loop = make_loop();
  int due = 0;
  std::unique_ptr<Timer> timer;
  timer = std::make_unique<Timer>(*loop, [&] {
    if (++due < 3) return;
    loop->post([&] {
      timer.reset();
      loop->stop();
    });
  });
  timer->start_every(1ms);
  CHECK(timer->running());
  loop->run();
  CHECK(due >= 3);
}

TEST_CASE("a signal arrives on the loop's thread", "[loop]") {
  auto loop = make_loop();
  int caught = 0;
  auto signals = Signals::watch(*loop, {SIGUSR2}, [&](int number) {
    caught = number;
    loop->stop();
  });
  REQUIRE(signals);
  loop->post([] { raise(SIGUSR2); });
  loop->run();
  CHECK(caught == SIGUSR2);
}

TEST_CASE("signals that are ignored end no process, even once nobody watches them", "[loop]") {
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    {
      auto loop = EventLoop::create();
      auto signals = Signals::watch(**loop, {SIGTERM, SIGHUP}, [](int) {});
      (*signals)->ignore();
    }
    kill(getpid(), SIGTERM);
    kill(getpid(), SIGHUP);
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, nullptr);
    _exit(0);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
}
