// Compressed streams, datagrams and packets on real loops.
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/net/world.h"
#include "tests/protocols/compression/compress.h"

using namespace penstock;
using namespace penstock::test;

namespace {

Setup compressed(std::vector<std::string> urls, ContentEncoding encoding = ContentEncoding::kAuto) {
  Setup setup{.urls = std::move(urls)};
  setup.options.content_encoding = encoding;
  setup.options.datagram_limits = {.max_bytes = std::size_t{1} << 20};
  return setup;
}

std::string lines(std::size_t first, std::size_t end) {
  std::string text;
  for (std::size_t n = first; n < end; ++n) text += "line " + std::to_string(n) + "\n";
  return text;
}

Coding any_coding() { return GENERATE(Coding::kGzip, Coding::kZlib, Coding::kZstd); }

}  // namespace

TEST_CASE("inflate: what a sender flushes is a record at once, whatever its pieces",
          "[net][inflate]") {
  const Coding coding = any_coding();
  World world(compressed({GENERATE(as<std::string>{}, kTcp, kUnix)}));
  Client client = world.connect();
  Compressor sender(coding);
  for (std::size_t n = 0; n < 20; ++n) {
    const std::string bytes = sender.send(lines(n, n + 1));
    if (n % 2 == 0) {
      REQUIRE(client.send(bytes));
    } else {
      for (const char& byte : bytes) REQUIRE(client.send({&byte, 1}));
    }
    REQUIRE(eventually([&] { return world.sink().count() == n + 1; }));
  }
  REQUIRE(client.send(sender.finish()));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().delivered()[19] == "line 19");
  CHECK(world.totals().counts.decompressed_bytes == lines(0, 20).size());
  CHECK(world.totals().counts.compressed_bytes == world.totals().read_bytes);
  CHECK(world.totals().counts.truncated_streams == 0);
}

TEST_CASE("inflate: more comes out than one turn reads, from input that is all here",
          "[net][inflate]") {
  const Coding coding = any_coding();
  World world(compressed({GENERATE(as<std::string>{}, kTcp, kUnix)}));
  Client client = world.connect();
  const std::string line = std::string(1000, 'r') + "\n";
  std::string text;
  for (int i = 0; i < 20'000; ++i) text += line;
  Compressor sender(coding);
  const std::string bytes = sender.send(text);  // and nothing behind it
  REQUIRE(client.send(bytes));
  CHECK(eventually([&] { return world.sink().count() == 20'000; }));
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  CHECK(world.totals().counts.truncated_streams == 1);
  CHECK(world.ended(ConnectionEnd::kClean) == 1);
}

TEST_CASE("inflate: plain streams are plain, also where they begin like others", "[net][inflate]") {
  const std::string text =
      GENERATE(as<std::string>{}, "x\ny\n", "(\xb5/z\n", "\x1f\n", "plain\n", "P*M");
  World world(compressed({kTcp}));
  Client client = world.connect();
  for (const char& byte : text) {
    REQUIRE(client.send({&byte, 1}));
    std::this_thread::yield();
  }
  client.half_close();
  CHECK(client.sees_fin());
  world.finish();
  std::string got;
  for (const std::string& record : world.sink().delivered()) got += record + "\n";
  CHECK(got == (text.back() == '\n' ? text : text + "\n"));
  CHECK(world.totals().counts.compressed_bytes == 0);
}

TEST_CASE(
    "inflate: an undecided beginning is quarantined at the deadline like any unfinished frame",
    "[net][inflate][stop]") {
  World world(compressed({kTcp}));
  Client client = world.connect();
  REQUIRE(client.send("x"));
  REQUIRE(world.await_read(1));
  CHECK(eventually([&] { return world.totals().partial_held_bytes == 1; }));
  world.drain();
  world.at_deadline();
  world.finish();
  CHECK(world.rejected(Reason::kTailDeadline) == 1);
}

TEST_CASE("inflate: corrupt in the middle: what was decoded stays, the rest is discarded",
          "[net][inflate]") {
  const Coding coding = any_coding();
  World world(compressed({GENERATE(as<std::string>{}, kTcp, kUnix)}));
  Client client = world.connect();
  Compressor sender(coding);
  const std::string good = sender.send(lines(0, 100) + "begun");
  REQUIRE(client.send(good + std::string(10'000, '\xff')));
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.sink().count() == 100);
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.rejected(Reason::kUndecodable) == 1);  // the frame that had begun
  CHECK(world.discarded(Reason::kUndecodable) > 5000);
}

TEST_CASE("inflate: a limit ends the stream like corruption does", "[net][inflate]") {
  const Coding coding = any_coding();
  Setup setup = compressed({kTcp});
  setup.options.stream_limits = {.max_bytes = 100'000};
  World world(setup);
  Client client = world.connect();
  REQUIRE(client.send(compress(coding, std::string(50'000'000, '\n'))));
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.totals().counts.decompressed_bytes == 100'000);
}

TEST_CASE("inflate: without memory a connection waits, and nothing is lost", "[net][inflate]") {
  const Coding coding = any_coding();
  Setup setup = compressed({kTcp});
  setup.decompress_bytes = coding == Coding::kZstd ? std::size_t{3} << 20 : std::size_t{60} << 10;
  World world(setup);
  Client first = world.connect(), second = world.connect();
  Compressor one(coding), two(coding);
  REQUIRE(first.send(one.send("first\n")));
  REQUIRE(eventually([&] { return world.sink().count() == 1; }));
  REQUIRE(second.send(two.send("second\n")));
  REQUIRE(eventually([&] {
    std::size_t parked = 0;
    world.on_loop(0, [&](IoLoop& loop) { parked = loop.parked().size(); });
    return parked == 1;
  }));
  CHECK(world.sink().count() == 1);
  REQUIRE(first.send(one.finish()));  // between two members it holds nothing
  CHECK(eventually([&] { return world.sink().count() == 2; }));
  first.half_close();
  second.half_close();
  CHECK(first.sees_fin());
  CHECK(second.sees_fin());
  world.finish();
  CHECK(world.ended(ConnectionEnd::kClean) == 2);
}

TEST_CASE("inflate: what no decompressor may hold is refused", "[net][inflate]") {
  Setup setup = compressed({kTcp});
  setup.decompress_bytes = std::size_t{1} << 20;
  World world(setup);
  Client client = world.connect();
  Compressor sender(Coding::kZstd, 22);
  REQUIRE(client.send(sender.send("line\n")));
  CHECK(client.sees_fin());
  client.close();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kMalformed) == 1);
  CHECK(world.discarded(Reason::kDecompressLimit) > 0);
}

TEST_CASE("inflate: behind a shut gate nothing is decompressed, and a stop brings it all out",
          "[net][inflate][gate][stop]") {
  const Coding coding = any_coding();
  const std::string url = GENERATE(as<std::string>{}, kTcp, kUnix);
  const bool at_deadline = GENERATE(false, true);
  Setup setup = compressed({url});
  setup.queue_bytes = 1;
  World world(setup);
  world.sink().hold();
  std::vector<Client> clients;
  for (int c = 0; c < 3; ++c) {
    clients.push_back(world.connect());
    Compressor sender(coding);
    REQUIRE(clients.back().send(sender.send(lines(0, 30'000))));
  }
  REQUIRE(world.await_gate_shut());
  world.drain();
  if (at_deadline) world.at_deadline();
  world.sink().release();
  if (!at_deadline) {
    for (Client& client : clients) client.half_close();
  }
  for (Client& client : clients) CHECK(client.sees_fin());
  world.finish();
  CHECK(world.sink().count() == 90'000);
  CHECK(world.totals().counts.decompressed_bytes == 3 * lines(0, 30'000).size());
}

TEST_CASE("inflate: a silent client at a flush point is closed early, one inside a block is not",
          "[net][inflate][stop]") {
  const Coding coding = any_coding();
  World world(compressed({kTcp}));
  Client flushed = world.connect(), inside = world.connect();
  Compressor one(coding), two(coding);
  REQUIRE(flushed.send(one.send("one\n")));
  std::string bytes = two.send("two\n");
  bytes.resize(bytes.size() - 5);
  REQUIRE(inside.send(bytes));
  REQUIRE(world.await_read(bytes.size()));
  REQUIRE(eventually([&] { return world.sink().holds("one"); }));
  world.drain();
  CHECK(eventually([&] { return world.ended(ConnectionEnd::kQuiet) == 1; }));
  CHECK(world.totals().active == 1);
  world.at_deadline();
  world.finish();
  CHECK(world.ended(ConnectionEnd::kDeadline) + world.ended(ConnectionEnd::kUnfrozen) == 1);
  CHECK(world.totals().counts.truncated_streams == 1);
}

TEST_CASE("inflate: datagrams and packets stand for themselves", "[net][inflate]") {
  const std::string url = GENERATE(as<std::string>{}, kUdp, kGram, kPacket);
  CAPTURE(url);
  World world(compressed({url}));
  Client client = world.connect();
  const std::string bad = compress(Coding::kGzip, "lost").substr(0, 20);
  std::vector<std::string> wanted;
  for (const Coding coding : {Coding::kGzip, Coding::kZlib, Coding::kZstd}) {
    const std::string name(to_string(coding));
    REQUIRE(client.send(compress(coding, name)));
    REQUIRE(client.send(bad));
    REQUIRE(client.send("plain " + name));
    REQUIRE(client.send(compress(coding, name + "\n") + compress(coding, "again")));
    for (const std::string& record : {name, "plain " + name, name + "\nagain"})
      wanted.push_back(record);
  }
  CHECK(eventually([&] { return world.sink().count() == wanted.size(); }));
  client.close();
  world.finish();
  CHECK(world.sink().delivered() == wanted);
  CHECK(world.rejected(Reason::kUndecodable) == 3);
  CHECK(world.discarded(Reason::kUndecodable) == 60);
  CHECK(world.totals().datagrams == 12);
}

TEST_CASE("inflate: a datagram that is too much, or was cut, is quarantined as it came",
          "[net][inflate]") {
  Setup setup = compressed({kGram}, ContentEncoding::kGzip);
  setup.options.datagram_limits = {.max_bytes = 1000};
  setup.options.datagram_bytes = 200;
  World world(setup);
  Client client = world.connect();
  const std::string bomb = compress(Coding::kGzip, std::string(1001, 'b'));
  std::string noise;
  for (unsigned n = 1; noise.size() < 900; n = n * 69069 + 1) noise += static_cast<char>(n >> 24);
  const std::string cut = compress(Coding::kGzip, noise);
  REQUIRE(client.send(bomb));
  REQUIRE(client.send(cut));
  REQUIRE(client.send("text"));
  REQUIRE(client.send(compress(Coding::kGzip, "good")));
  CHECK(eventually([&] { return world.sink().count() == 1; }));
  world.finish();
  CHECK(world.discarded(Reason::kDecompressLimit) == bomb.size());
  CHECK(world.discarded(Reason::kUndecodable) == cut.size() + 4);
}
