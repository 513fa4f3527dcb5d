#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

TEST_CASE("a stop of more than 10 s is a warning", "[config]") {
  const std::string warning = " container engines kill after 10s unless told otherwise";
  CHECK(problems_of(test::kGood + "[server]\ndrain_timeout = \"10s\"\n") ==
        Lines{"t.toml:8:17: warning: server: drain_timeout: a stop may take drain_timeout + "
              "flush_timeout = 12s," +
              warning});
  CHECK(problems_of(test::kGood + "[server]\nflush_timeout = \"4001ms\"\n") ==
        Lines{"t.toml:8:17: warning: server: flush_timeout: a stop may take drain_timeout + "
              "flush_timeout = 10001ms," +
              warning});
  CHECK(problems_of(test::kGood + "[server]\ndrain_timeout = \"8s\"\n").empty());
}

TEST_CASE("drain_quiet beyond drain_timeout is a warning", "[config]") {
  CHECK(
      problems_of(test::kGood + "[server]\ndrain_quiet = \"7s\"\n") ==
      Lines{"t.toml:8:15: warning: server: drain_quiet: no effect: longer than drain_timeout, 6s"});
}

TEST_CASE("queues of more than 70 % of the memory are an error that does the sum", "[config]") {
  const std::string two =
      test::kListener +
      "[[sink]]\nname = \"a\"\ntype = \"blackhole\"\nqueue.max_bytes = \"100MiB\"\n" +
      "[[sink]]\nname = \"b\"\ntype = \"blackhole\"\nqueue.max_bytes = \"80MiB\"\n";
  CHECK(problems_of(two) == Lines{"t.toml:7:19: sink \"a\": queue.max_bytes: the queues of all "
                                  "sinks together hold 180MiB (queue.max_bytes; the "
                                  "largest is \"a\" with 100MiB), expected at most 70 % of "
                                  "server.memory, 256MiB: raise memory to \"258MiB\" or "
                                  "lower the queues"});
  CHECK(problems_of(two + "[server]\nmemory = \"64MiB\"\n") ==
        Lines{"t.toml:13:10: server: memory: the queues of all sinks together hold 180MiB "
              "(queue.max_bytes; the largest is "
              "\"a\" with 100MiB), expected at most 70 % of server.memory, 64MiB: raise memory to "
              "\"258MiB\" or lower the "
              "queues"});
  CHECK(problems_of(two + "[server]\nmemory = \"258MiB\"\n").empty());
}

TEST_CASE("70 % of the memory is the most that queues may have, to the byte", "[config]") {
  const auto with = [](const std::string& bytes) {
    return problems_of("[server]\nmemory = \"100MiB\"\n" + test::kGood +
                       "queue.max_bytes = " + bytes + '\n')
        .size();
  };
  CHECK(with("73400320") == 0);
  CHECK(with("73400321") == 1);
}

TEST_CASE("default queues count: many sinks outgrow the default memory", "[config]") {
  std::string text = test::kListener;
  for (int i = 0; i < 23; ++i)
    text += "[[sink]]\nname = \"s" + std::to_string(i) + "\"\ntype = \"blackhole\"\n";
  const auto lines = problems_of(text);
  REQUIRE(lines.size() == 1);
  CHECK(lines[0] ==
        "t.toml: server: memory: the queues of all sinks together hold 184MiB (queue.max_bytes; "
        "the largest is \"s0\" with "
        "8MiB), expected at most 70 % of server.memory, 256MiB: raise memory to \"263MiB\" or "
        "lower the queues");
}

TEST_CASE("the memory that is asked for is enough", "[config]") {
  const std::string text = test::kGood + "queue.max_bytes = \"1TB\"\n";
  const auto lines = problems_of(text);
  REQUIRE(lines.size() == 1);
  const auto at = lines[0].find("raise memory to ") + 16;
  const std::string asked = lines[0].substr(at, lines[0].find(" or lower") - at);
  CHECK(problems_of("[server]\nmemory = " + asked + '\n' + text).size() ==
        1);  // over 1TiB: told as such
  CHECK(problems_of("[server]\nmemory = \"1TiB\"\n" + test::kGood + "queue.max_bytes = \"700GB\"\n")
            .empty());
}

TEST_CASE("a frame must fit into a quarter of the memory", "[config]") {
  const std::string small = "[server]\nmemory = \"16MiB\"\n";
  CHECK(problems_of(small + test::kListener + "max_frame_bytes = 4194305\n" + test::kSink) ==
        Lines{"t.toml:6:19: listener \"in\": max_frame_bytes: expected at most a quarter of "
              "server.memory, 4MiB, got "
              "4194305B"});
  CHECK(
      problems_of(small + test::kListener + "max_frame_bytes = \"4MiB\"\n" + test::kSink).empty());
}

TEST_CASE("a wrong number is told once, not again by the checks that would use it", "[config]") {
  CHECK(problems_of("[server]\nmemory = \"1KiB\"\n" + test::kGood + "queue.max_bytes = \"1GiB\"\n")
            .size() == 1);
  CHECK(problems_of(test::kGood + "[server]\ndrain_timeout = \"2h\"\n").size() == 1);
}

TEST_CASE("limits that a smaller one makes useless are warnings", "[config]") {
  CHECK(problems_of("[server]\nmax_connections = 5\n" + test::kListener +
                    "max_connections = 10\nmax_connections_per_peer = 20\n" + test::kSink) ==
        Lines{"t.toml:6:19: warning: listener \"in\": max_connections: no effect: 10 is more than "
              "server.max_connections, 5",
              "t.toml:7:28: warning: listener \"in\": max_connections_per_peer: no effect: 20 is "
              "more than max_connections, "
              "10"});
  CHECK(problems_of(test::kListener + "max_connections = 10\nmax_connections_per_peer = 10\n" +
                    test::kSink)
            .empty());
}

TEST_CASE("keys that no URL of the listener can use are warnings at the key", "[config]") {
  const auto [url, line, why] = GENERATE(table<std::string, std::string, std::string>({
      {"udp://:1", "framing = \"json\"",
       "framing: no effect: listen has no tcp or unix URL: datagrams and packets are frames"},
      {"unixpacket:///a", "framing = \"json\"",
       "framing: no effect: listen has no tcp or unix URL: datagrams and packets are frames"},
      {"unixgram:///a", "tail = \"drop\"",
       "tail: no effect: listen has no tcp or unix URL: datagrams and packets arrive whole"},
      {"tcp://:1", "split = \"newline\"",
       "split: no effect: listen has no udp, unixgram or unixpacket URL"},
      {"unix:///a", "split = \"none\"",
       "split: no effect: listen has no udp, unixgram or unixpacket URL"},
      {"unixgram:///a", "gro = true", "gro: no effect: listen has no udp URL"},
      {"tcp4://:1", "gro = false", "gro: no effect: listen has no udp URL"},
      {"unix:///a", "keepalive = \"1m\"", "keepalive: no effect: listen has no tcp URL"},
      {"udp6://:1", "backlog = 3", "backlog: no effect: listen has no tcp, unix or unixpacket URL"},
      {"udp4://:1", "max_connections = 3",
       "max_connections: no effect: listen has no tcp, unix or unixpacket URL"},
      {"udp://:1", "max_connections_per_peer = 3",
       "max_connections_per_peer: no effect: listen has no tcp, unix or unixpacket URL"},
      {"udp://:1", "idle_timeout = \"1m\"",
       "idle_timeout: no effect: listen has no tcp, unix or unixpacket URL"},
      {"unixgram://@a", "first_byte_timeout = \"1m\"",
       "first_byte_timeout: no effect: listen has no tcp, unix or unixpacket URL"},
      {"tcp6://:1", "mode = \"0600\"", "mode: no effect: listen has no unix socket with a path"},
      {"unix://@abstract", "mode = \"0600\"",
       "mode: no effect: listen has no unix socket with a path"},
      {"tcp://:1", "owner = \"root\"", "owner: no effect: listen has no unix socket with a path"},
      {"tcp://:1", "group = 0", "group: no effect: listen has no unix socket with a path"},
  }));
  CAPTURE(url, line);
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = \"" + url + "\"\n" + line + '\n' +
                    test::kSink) == Lines{"t.toml:4:1: warning: listener \"in\": " + why});
}

TEST_CASE("one URL that can use a key is enough, and so is one that is not understood",
          "[config]") {
  const std::string keys =
      "framing = \"json\"\nsplit = \"newline\"\ngro = true\nkeepalive = \"1m\"\nmode = \"0600\"\n";
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = [\"tcp://:1\", \"udp://:1\", "
                    "\"unixgram:///a\"]\n" +
                    keys + test::kSink)
            .empty());
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = \"quic://:1\"\n" + keys + test::kSink)
            .empty());
  CHECK(problems_of("[[listener]]\nname = \"in\"\nlisten = \":5514\"\n" + keys + test::kSink)
            .empty());
}

TEST_CASE("limits on decompression without a content encoding are without effect", "[config]") {
  const std::string limit = test::kListener + "max_decompressed_ratio = 10\n";
  const std::string sink = "[[sink]]\nname = \"out\"\ntype = \"blackhole\"\n";
  CHECK(problems_of(limit + sink) ==
        Lines{"t.toml:4:26: warning: listener \"in\": max_decompressed_ratio: no effect: "
              "content_encoding is \"none\""});
  CHECK(problems_of(limit + "content_encoding = \"auto\"\n" + sink).empty());
  const Lines brotli = problems_of(limit + "content_encoding = \"brotli\"\n" + sink);
  REQUIRE(brotli.size() == 1);
  CHECK(brotli[0].ends_with(
      "expected \"none\", \"auto\", \"gzip\", \"zlib\" or \"zstd\", got \"brotli\""));
}
