#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <numeric>
#include <random>
#include <thread>

#include "tests/protocols/cuts.h"
#include "tests/protocols/statsd/aggregated.h"
#include "tests/protocols/statsd/limited_memory.h"

using namespace penstock;
using namespace penstock::test;
using Texts = std::vector<std::string>;

namespace {

std::string metric(const std::string& name, const std::string& kind, const std::string& rest) {
  return R"({"name":")" + name + R"(","kind":")" + kind + R"(",)" + rest + '}';
}

/// Each value is so many texts in a set.
std::string texts(int count) {
  std::string lines;
  for (int i = 0; i < count; ++i) lines += "s:u" + std::to_string(i) + "|s\n";
  return lines;
}

}  // namespace

TEST_CASE("aggregate: counters are summed by their sample rates", "[statsd][aggregate]") {
  Aggregated all;
  all.feed.datagram("a:1|c\na:2|c\na:3|c|@0.1\nb:-1.5|c\na:1:2:3|c|@0.5\n");
  CHECK(all.feed.events().empty());
  CHECK(all.feed.counts().aggregated == 5);
  CHECK(all.feed.counts().frames == 5);
  CHECK(all.flushes.flush() == Texts{metric("a", "counter", R"("value":45.0)"),
                                     metric("b", "counter", R"("value":-1.5)")});
  CHECK(all.flushes.frames() == Texts{"a:45|c", "b:-1.5|c"});
  CHECK(all.flushes.flush().empty());
}

TEST_CASE("aggregate: a series is name, kind and tags in any order", "[statsd][aggregate]") {
  Aggregated all;
  all.feed.datagram(
      "a:1|c|#x:1,y\na:2|c|#y,x:1,,x:1\na:4|c|#x:2\na:8|c\na:16|c|#,\na:32|c|c:in-5\n"
      "a:64|c|c:in-5|card:low|e:it|#y,x:1\na:128|g");
  CHECK(all.flushes.flush() ==
        Texts{metric("a", "counter", R"("value":24.0)"),
              metric("a", "counter", R"("value":3.0,"tags":{"x":"1","y":"true"})"),
              metric("a", "counter", R"("value":32.0,"container":"in-5")"),
              metric("a", "counter", R"("value":4.0,"tags":{"x":"2"})"),
              metric("a", "counter",
                     R"("value":64.0,"tags":{"x":"1","y":"true"},"container":"in-5",)"
                     R"("external_data":"it","cardinality":"low")"),
              metric("a", "gauge", R"("value":128.0)")});
  CHECK(all.flushes.frames() == Texts{"a:128|g", "a:24|c", "a:32|c|c:in-5", "a:3|c|#x:1,y",
                                      "a:4|c|#x:2", "a:64|c|#x:1,y|c:in-5|e:it|card:low"});
}

TEST_CASE("aggregate: a tag that comes with several values", "[statsd][aggregate]") {
  Aggregated all;
  all.feed.datagram("a:1|c|#team:b,team:a\na:2|c|#team:a,team:b,team:a");
  CHECK(all.flushes.flush() ==
        Texts{metric("a", "counter", R"("value":3.0,"tags":{"team":"a,b"})")});
  CHECK(all.flushes.frames() == Texts{"a:3|c|#team:a,team:b"});
}

TEST_CASE("aggregate: gauges keep their value over flushes for changes", "[statsd][aggregate]") {
  Aggregated all;
  all.feed.datagram("g:10|g\ng:+4|g\ng:-7|g\nnew:-3|g\n");
  CHECK(all.flushes.flush() ==
        Texts{metric("g", "gauge", R"("value":7.0)"), metric("new", "gauge", R"("value":-3.0)")});
  CHECK(all.flushes.frames() == Texts{"g:7|g", "new:0|g\nnew:-3|g"});
  CHECK(all.flushes.flush().empty());
  all.feed.datagram("g:+1:+2|g|@0.1\ng:1|c");
  CHECK(all.flushes.flush() ==
        Texts{metric("g", "counter", R"("value":1.0)"), metric("g", "gauge", R"("value":10.0)")});
  all.feed.datagram("g:5:6|g\nm:1000000|c\nn:1e20|c");
  CHECK(all.flushes.flush().size() == 3);
  CHECK(all.flushes.frames() == Texts{"g:6|g", "m:1000000|c", "n:1e+20|c"});
}

TEST_CASE("aggregate: gauges are repeated where asked for, and forgotten when they are old",
          "[statsd][aggregate]") {
  Aggregated all({.repeat_gauges = true, .keep_gauges = std::chrono::seconds(20)});
  const Texts five{metric("g", "gauge", R"("value":5.0)")};
  all.feed.datagram("g:5|g");
  CHECK(all.flushes.flush() == five);
  CHECK(all.flushes.flush() == five);
  CHECK(all.flushes.flush() == five);  // the last time: it is as old as it may be
  CHECK(all.flushes.flush().empty());
  all.feed.datagram("g:+1|g");
  CHECK(all.flushes.flush() == Texts{metric("g", "gauge", R"("value":1.0)")});
}

TEST_CASE("aggregate: gauges are kept for ever with 0", "[statsd][aggregate]") {
  Aggregated all({.keep_gauges = std::chrono::milliseconds(0)});
  all.feed.datagram("g:5|g");
  for (int i = 0; i < 1000; ++i) all.flushes.flush();
  all.feed.datagram("g:+1|g");
  CHECK(all.flushes.flush() == Texts{metric("g", "gauge", R"("value":6.0)")});
}

TEST_CASE("aggregate: sets count distinct texts", "[statsd][aggregate]") {
  Aggregated all;
  all.feed.datagram("s:a|s\ns:b|s\ns:a|s|@0.1\ns:a:b|s\n");
  CHECK(all.flushes.flush() == Texts{metric("s", "set", R"("value":3)")});
  CHECK(all.flushes.frames() == Texts{"s:3|g"});
  all.feed.datagram("s:a|s");
  CHECK(all.flushes.flush() == Texts{metric("s", "set", R"("value":1)")});
}

TEST_CASE("aggregate: texts that a full set has no room for go on by themselves",
          "[statsd][aggregate]") {
  Aggregated all;
  const int most = int{statsd::TextSet::kMost};
  all.feed.read(texts(most + 2));
  CHECK(all.feed.events() ==
        Texts{metric("s", "set", R"("value":"u)" + std::to_string(most) + '"'),
              metric("s", "set", R"("value":"u)" + std::to_string(most + 1) + '"')});
  CHECK(all.feed.counts().unaggregated == 2);
  CHECK(all.feed.counts().decoded == 2);
  all.feed.read("s:u7|s\n");  // known
  CHECK(all.feed.counts().aggregated == std::uint64_t(most) + 1);
  CHECK(all.flushes.flush() == Texts{metric("s", "set", R"("value":)" + std::to_string(most))});
}

TEST_CASE("aggregate: timers, histograms and distributions have their statistics",
          "[statsd][aggregate]") {
  const std::string type = GENERATE("ms", "h", "d");
  const std::string kind = type == "ms" ? "timer" : type == "h" ? "histogram" : "distribution";
  Aggregated all({.percentiles = {90, 99.9}});
  all.feed.datagram("t:2|" + type + "\nt:4:4:4|" + type + "\nt:5:5:7:9|" + type);
  CHECK(all.flushes.flush() ==
        Texts{metric("t", kind,
                     R"("fields":{"count":8,"sum":40.0,"mean":5.0,"lower":2.0,"upper":9.0,)"
                     R"("stddev":2.0,"median":4.0,"upper_90":9.0,"upper_99_9":9.0})")});
  CHECK(all.flushes.frames() == Texts{"t.count:8|g\nt.sum:40|g\nt.mean:5|g\nt.lower:2|g\n"
                                      "t.upper:9|g\nt.stddev:2|g\nt.median:4|g\n"
                                      "t.upper_90:9|g\nt.upper_99_9:9|g"});
}

TEST_CASE("aggregate: a timer's values count by their sample rate", "[statsd][aggregate]") {
  Aggregated all({.percentiles = {}});
  all.feed.datagram("t:1|ms|@0.25\nt:5|ms\nt:-1|ms|@0.3");
  CHECK(all.flushes.flush()[0].find(R"("count":8,)") != std::string::npos);
  all.feed.datagram("t:1|ms|@0.25\nt:6|ms");
  CHECK(all.flushes.flush() ==
        Texts{metric("t", "timer",
                     R"("fields":{"count":5,"sum":10.0,"mean":2.0,"lower":1.0,"upper":6.0,)"
                     R"("stddev":2.0,"median":1.0})")});
}

TEST_CASE("aggregate: what is no sample goes on at once", "[statsd][aggregate]") {
  const Texts lines = {"_e{1,1}:a|b", "_sc|n|1",  "bad",     "a:1|c|T1700000000",
                       "a:1|c|new",   "a:1|c|@0", "a:1:x|c", "a:1e999|g"};
  Feed plain(make_statsd_decoder({.split = Split::kNewline}));
  Aggregated all;
  for (const std::string& line : lines) {
    plain.datagram(line);
    all.feed.datagram(line);
  }
  CHECK(all.feed.events() == plain.events());
  CHECK(all.feed.records() == plain.records());
  CHECK(same(all.feed.counts(), plain.counts()));
  CHECK(all.flushes.flush().empty());
}

TEST_CASE("aggregate: a stream gives the same however it is cut", "[statsd][aggregate]") {
  const std::string stream = "a:1|c\na:2:3|c|@0.5|#x\nbad\ng:+4|g\n_sc|n|1\nt:1|ms\ns:x|s\na:9|c";
  Texts whole;
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    Aggregated all;
    all.feed.read_cut(stream, {cut});
    all.feed.end(EndReason::kFin);
    CHECK(all.feed.records() == std::vector<Record>{{"bad", kFrameUnparsed},
                                                    {"_sc|n|1", kFrameWhole},
                                                    {"a:9|c", kFramePartial}});
    const Texts flushed = all.flushes.flush();
    if (cut == 0) whole = flushed;
    CHECK(flushed == whole);
  }
  CHECK(whole.size() == 5);
}

TEST_CASE("aggregate: series beyond the most go on by themselves", "[statsd][aggregate]") {
  Aggregated all({.max_series = 2});
  all.feed.datagram("a:1|c\ng:1|g\nb:1|c\na:1|c\nt:1|ms|#x");
  CHECK(all.feed.records() == std::vector<Record>{{"b:1|c"}, {"t:1|ms|#x"}});
  CHECK(all.feed.counts().unaggregated == 2);
  CHECK(all.options.aggregate->take_refused() == 2);
  CHECK(all.options.aggregate->take_refused() == 0);
  CHECK(all.flushes.flush().size() == 2);
  all.feed.datagram("b:1|c\nc:1|c");  // the gauge is still there
  CHECK(all.flushes.flush() == Texts{metric("b", "counter", R"("value":1.0)")});
  CHECK(all.feed.records().size() == 3);
}

TEST_CASE("aggregate: numbers from which no sum comes back go on by themselves",
          "[statsd][aggregate]") {
  Aggregated all;
  const Texts lines = {"a:1e101|c",    "a:-1e101|g",   "a:+1e300|g",
                       "a:1:1e101|ms", "a:1|c|@1e-16", std::string(5000, 'n') + ":1|c"};
  for (const std::string& line : lines) all.feed.datagram(line);
  CHECK(all.feed.records().size() == lines.size());
  CHECK(all.feed.counts().unaggregated == lines.size());
  CHECK(all.flushes.flush().empty());
  for (int i = 0; i < 1000; ++i) all.feed.datagram("a:1e100|c|@1e-15\na:-1e100:1e100|ms|@1e-15");
  const Texts huge = all.flushes.flush();
  REQUIRE(huge.size() == 2);
  CHECK(huge[0].find("inf") == std::string::npos);
  const std::string count = R"("count":)";
  CHECK(std::stod(huge[1].substr(huge[1].find(count) + count.size())) == Approx(2e18));
  CHECK(huge[1].find("inf") == std::string::npos);
}

TEST_CASE("aggregate: memory is a limit, and all of it comes back", "[statsd][aggregate]") {
  const auto memory = std::make_shared<LimitedMemory>(std::size_t{64} << 10);
  {
    Aggregated all({}, memory);
    std::mt19937 random(3);
    for (int i = 0; i < 20'000; ++i) {
      const std::string n = std::to_string(random() % 300);
      all.feed.datagram("c" + n + ":1|c\ns" + std::to_string(random() % 5) + ":" +
                        std::to_string(random()) + "|s\nt" + std::to_string(random() % 5) + ":" +
                        std::to_string(random()) + ":-1:1e-9|ms\ng" + n + ":1|g");
      REQUIRE(memory->used() <= std::size_t{64} << 10);
    }
    CHECK(all.feed.counts().unaggregated > 0);
    CHECK(all.feed.counts().frames == 80'000);
    const Texts events = all.flushes.flush();
    CHECK(events.size() > 10);
    CHECK(memory->used() <= std::size_t{64} << 10);  // remembered gauges
    all.feed.datagram("t1:1|ms");
  }
  CHECK(memory->used() == 0);
}

TEST_CASE("aggregate: connections on any thread add to one series, in any order",
          "[statsd][aggregate]") {
  Texts lines;
  std::mt19937 random(5);
  for (int i = 0; i < 4000; ++i) {
    const std::string n = std::to_string(random() % 20), v = std::to_string(random() % 1000);
    lines.push_back("c" + n + ":" + v + "|c|@0.5");
    lines.push_back("t" + n + ":" + v + "|ms|#b,a");
    lines.push_back("s" + n + ":" + v + "|s");
    lines.push_back("g" + n + ":+" + v + "|g");
  }
  Aggregated one;
  for (const std::string& line : lines) one.feed.datagram(line);
  const Texts expected = one.flushes.flush();

  std::shuffle(lines.begin(), lines.end(), random);
  Aggregated all;
  std::vector<std::thread> threads;
  constexpr std::size_t kThreads = 4;
  std::array<std::uint64_t, kThreads> aggregated{};
  for (std::size_t at = 0; at < kThreads; ++at) {
    threads.emplace_back([&, at] {
      Feed feed(all.decoder());
      for (std::size_t i = at; i < lines.size(); i += kThreads) feed.datagram(lines[i]);
      aggregated[at] = feed.counts().aggregated;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::accumulate(aggregated.begin(), aggregated.end(), std::uint64_t{0}) == lines.size());
  Texts found = all.flushes.flush();
  // The standard deviation is rounded as its values come.
  const auto without_stddev = [](Texts events) {
    for (std::string& event : events) {
      const std::size_t at = event.find(R"("stddev")");
      if (at != std::string::npos) event.erase(at, event.find(',', at) - at);
    }
    return events;
  };
  CHECK(found.size() == 80);
  CHECK(without_stddev(found) == without_stddev(expected));
}

TEST_CASE("aggregate: a flush of many series comes in parts", "[statsd][aggregate]") {
  Aggregated all;
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "series" + std::to_string(i) + ":1|c\n";
  all.feed.read(lines);
  CHECK(all.flushes.flush().size() == 5000);
  CHECK(all.flushes.counts().flushed == 5000);
}

TEST_CASE("aggregate: its bytes, read again, say the same", "[statsd][aggregate]") {
  Aggregated all({.percentiles = {50}});
  all.feed.datagram("a:1.25|c|@0.1|#y,x:1\ng:-5|g|#x\ns:a|s\nt:-1:2|ms|c:in-1\ng2:1e21|g");
  all.flushes.flush();
  Aggregated again;
  for (const std::string& frame : all.flushes.frames()) again.feed.datagram(frame);
  CHECK(again.feed.events().empty());
  const Texts events = again.flushes.flush();
  CHECK(std::count(events.begin(), events.end(),
                   metric("a", "counter", R"("value":12.5,"tags":{"x":"1","y":"true"})")) == 1);
  CHECK(std::count(events.begin(), events.end(),
                   metric("g", "gauge", R"("value":-5.0,"tags":{"x":"true"})")) == 1);
  CHECK(std::count(events.begin(), events.end(), metric("s", "gauge", R"("value":1.0)")) == 1);
  CHECK(std::count(events.begin(), events.end(),
                   metric("t.lower", "gauge", R"("value":-1.0,"container":"in-1")")) == 1);
}
