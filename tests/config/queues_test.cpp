#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::config_of;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

/// The queue's keys stand from line 8 on.
std::string with_queue(const std::string& keys) { return test::kGood + "[sink.queue]\n" + keys; }

}  // namespace

TEST_CASE("queue on disk: its keys and their defaults", "[config][queue]") {
  const auto queue =
      config_of(with_queue("type = \"disk\"\npath = \"data/queue/out\"\n")).sinks.at(0).queue;
  CHECK(queue.type == config::QueueType::kDisk);
  CHECK(queue.path == "data/queue/out");
  CHECK(queue.max_bytes == config::Queue::kDiskBytes);
  CHECK(queue.memory_bytes() == config::Queue::kMemoryBytes);
  CHECK(queue.sync == config::QueueSync::kBatch);
  const auto other =
      config_of(with_queue("type = \"disk\"\npath = \"q\"\nmax_bytes = \"64MiB\"\nsync = "
                           "\"interval\"\nsync_interval = \"5s\"\nwhen_full = \"drop_oldest\"\n"))
          .sinks.at(0)
          .queue;
  CHECK(other.max_bytes == std::size_t{64} << 20);
  CHECK(other.sync == config::QueueSync::kInterval);
  CHECK(other.sync_interval == std::chrono::seconds(5));
  CHECK(other.when_full == config::WhenFull::kDropOldest);
}

TEST_CASE("queue: what is wrong is told with its place", "[config][queue]") {
  const auto [keys, problem] = GENERATE(table<std::string, std::string>({
      {"type = \"disk\"",
       "8:8: sink \"out\": queue.path: missing, a queue on disk needs a directory of its own, such "
       "as \"data/queue/archive\""},
      {"type = \"tape\"",
       "8:8: sink \"out\": queue.type: expected \"memory\" or \"disk\", got \"tape\""},
      {"path = \"q\"",
       "8:1: sink \"out\": queue.path: only a queue of type \"disk\" has it, this one is in "
       "memory"},
      {"when_full = \"drop_oldest\"",
       "8:13: sink \"out\": queue.when_full: \"drop_oldest\" is only for queue.type = \"disk\", "
       "expected \"block\" or \"drop_newest\""},
      {"type = \"disk\"\npath = \"q\"\nmax_bytes = \"1MiB\"",
       "10:13: sink \"out\": queue.max_bytes: expected at least 4MiB for a queue on disk, got "
       "1MiB"},
      {"type = \"disk\"\npath = \"./data//quarantine/\"",
       "9:8: sink \"out\": queue.path: is the directory of the quarantine as well, expected one "
       "that nothing else uses"},
      {"type = \"disk\"\npath = \"q\"\nsync_interval = \"5s\"",
       "10:1: warning: sink \"out\": queue.sync_interval: no effect: queue.sync is not "
       "\"interval\""},
  }));
  CHECK(problems_of(with_queue(keys + "\n")) == Lines{"t.toml:" + problem});
}

TEST_CASE("queue on disk: two sinks cannot share one", "[config][queue]") {
  const std::string queue = "queue = { type = \"disk\", path = \"q\" }\n";
  CHECK(
      problems_of(test::kGood + queue + "[[sink]]\nname = \"b\"\ntype = \"blackhole\"\n" + queue) ==
      Lines{"t.toml:11:33: sink \"b\": queue.path: is the directory of sink \"out\" as well, "
            "expected one that nothing else uses"});
}

TEST_CASE("queue on disk: the file behind it syncs as the queue does, unless it is told otherwise",
          "[config][queue]") {
  const auto sync_of = [](const std::string& queue) {
    return config_of(
               "[[listener]]\nname = \"in\"\nlisten = \"tcp://:2514\"\n[[sink]]\nname = \"out\"\n"
               "path = \"out.log\"\n" +
               queue)
        .sinks.at(0)
        .sync;
  };
  const std::string disk = "queue.type = \"disk\"\nqueue.path = \"q\"\n";
  CHECK(sync_of(disk) == config::Sync::kAlways);
  CHECK(sync_of(disk + "queue.sync = \"interval\"\n") == config::Sync::kInterval);
  CHECK(sync_of(disk + "queue.sync = \"never\"\n") == config::Sync::kNever);
  CHECK(sync_of(disk + "sync = \"never\"\n") == config::Sync::kNever);
  CHECK(sync_of("") == config::Sync::kNever);
}

TEST_CASE("queue on disk: an acknowledgement is as good as its sync", "[config][queue]") {
  const std::string listener =
      "[[listener]]\nname = \"in\"\nlisten = \"tcp://:2514\"\nprotocol = \"relp\"\n";
  const std::string sink =
      "[[sink]]\nname = \"out\"\ntype = \"blackhole\"\nqueue = { type = \"disk\", path = \"q\"";
  CHECK(problems_of(listener + sink + " }\n").empty());
  const Lines lines = problems_of(listener + sink + ", sync = \"never\" }\n");
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].find("does not outlive a power cut; queue.sync = \"batch\" does") !=
        std::string::npos);
}
