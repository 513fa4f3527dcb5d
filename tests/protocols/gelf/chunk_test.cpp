#include "protocols/gelf/chunk.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>
#include <vector>

#include "protocols/gelf/decoder.h"
#include "tests/protocols/gelf/chunks.h"

using namespace penstock;
using test::chunk, test::chunks, test::Feed, test::kId, test::peer, test::reasons;
using Texts = std::vector<std::string>;

namespace {

constexpr std::size_t kMostBytes = 100'000;
/// What chunks may take beside their bytes, and more.
constexpr std::size_t kBesideBytes = 16'000;
constexpr auto kNoRoom = "more bytes of unfinished GELF messages than gelf.max_chunk_bytes";

/// Decoders of one listener.
struct SharedTables {
  GelfOptions options{.max_message_bytes = kMostBytes,
                      .max_chunk_bytes = kMostBytes,
                      .chunk_memory = gelf::make_chunk_memory(kMostBytes)};

  Feed feed() const { return Feed(make_gelf_decoder({.framing = Framing::kNul}, options)); }
  std::size_t waiting_bytes() const { return options.chunk_memory->waiting.used_bytes(); }
  std::size_t remembered_bytes() const { return options.chunk_memory->remembered.used_bytes(); }
};

std::string id(int n) { return "id-" + std::to_string(10'000 + n); }

/// The first of two chunks, each of a message of its own.
void send_halves(Feed& feed, int messages, std::size_t bytes) {
  for (int n = 0; n < messages; ++n) feed.datagram(chunk(id(n), 0, 2, std::string(bytes, ' ')));
}

std::string padded(std::size_t bytes) {
  const std::string json = R"({"short_message":"m"})";
  return json + std::string(bytes - json.size(), ' ');
}

}  // namespace

TEST_CASE("gelf: the chunks of all decoders together stay within the limit", "[gelf]") {
  const SharedTables tables;
  std::vector<std::unique_ptr<Feed>> feeds;
  std::size_t refused = 0;
  for (int n = 0; n < 12; ++n) {
    feeds.push_back(
        std::make_unique<Feed>(make_gelf_decoder({.framing = Framing::kNul}, tables.options)));
    send_halves(*feeds.back(), 15, 10'000);
    CHECK(tables.waiting_bytes() <= kMostBytes + kBesideBytes);
    refused += feeds.back()->refusals().size();
  }
  CHECK(refused >= 12 * 15 - 10);
  feeds.clear();
  CHECK(tables.waiting_bytes() == 0);
}

TEST_CASE("gelf: a decoder without room gives up its own oldest messages, not those of others",
          "[gelf]") {
  const SharedTables tables;
  Feed first = tables.feed(), second = tables.feed();
  send_halves(first, 8, 10'000);
  send_halves(second, 5, 10'000);
  CHECK(first.refusals().empty());
  CHECK(reasons(second) == std::vector(3, Reason::kPartialBudget));
  CHECK(second.reasons() == Texts(3, kNoRoom));
  CHECK(second.refusals()[0].bytes.substr(2, 8) == id(0));
  for (int n = 0; n < 8; ++n) first.datagram(chunk(id(n), 1, 2, R"({"short_message":"m"})"));
  CHECK(first.events().size() == 8);
  send_halves(second, 10, 10'000);
  CHECK(second.refusals().size() == 3);
}

TEST_CASE("gelf: where others have all room a chunk is refused with its message, and no more",
          "[gelf]") {
  const SharedTables tables;
  Feed greedy = tables.feed(), modest = tables.feed();
  const Texts small = chunks(id(100), padded(40), 2);
  modest.datagram(small[0]);
  send_halves(greedy, 30, 10'000);
  modest.datagram(chunk(kId, 0, 2, std::string(20'000, ' ')));
  CHECK(reasons(modest) == std::vector{Reason::kPartialBudget});
  CHECK(modest.reasons() == Texts{kNoRoom});
  modest.datagram(small[1]);  // makes it whole: needs no room
  modest.datagram(padded(40));
  CHECK(modest.events() == Texts(2, R"({"message":"m"})"));
  CHECK(modest.refusals().size() == 1);
}

TEST_CASE("gelf: the longest message has room in any number of chunks", "[gelf]") {
  for (const unsigned count : {2u, 127u, gelf::kMostChunks}) {
    const SharedTables tables;
    Feed feed = tables.feed();
    for (const std::string& part : chunks(kId, padded(kMostBytes), count)) feed.datagram(part);
    CHECK(feed.events() == Texts{R"({"message":"m"})"});
    CHECK(tables.waiting_bytes() == 0);
  }
}

TEST_CASE("gelf: what is remembered of whole messages is bounded, and forgotten in time",
          "[gelf]") {
  const SharedTables tables;
  Feed first = tables.feed(), second = tables.feed();
  for (int n = 0; n < 500; ++n) {
    for (Feed* feed : {&first, &second}) feed->datagram(chunk(id(n), 0, 1, padded(30)));
    CHECK(tables.remembered_bytes() <= kMostBytes / 8);
  }
  CHECK(first.events().size() == 500);
  first.datagram(chunk(id(499), 0, 1, padded(30)));
  CHECK(first.events().size() == 500);
  for (Feed* feed : {&first, &second}) {
    REQUIRE(feed->decoder().deadline() == gelf::kChunkPatience);
    feed->now.monotonic = gelf::kChunkPatience;
    feed->deadline();
    CHECK_FALSE(feed->decoder().deadline());
  }
  CHECK(tables.remembered_bytes() == 0);
}

TEST_CASE("gelf: memory comes back from messages that time out, and from the end", "[gelf]") {
  const SharedTables tables;
  Feed feed = tables.feed();
  send_halves(feed, 5, 1000);
  feed.now.monotonic = gelf::kChunkPatience;
  feed.deadline();
  CHECK(tables.waiting_bytes() == 0);
  send_halves(feed, 5, 1000);
  feed.end(EndReason::kFin);
  CHECK(tables.waiting_bytes() == 0);
}

TEST_CASE("gelf: chunks are refused as those of who has sent them, at their time", "[gelf]") {
  Feed feed(make_gelf_decoder({.framing = Framing::kNul}, {.max_chunk_sets = 1}));
  const auto send = [&feed](std::uint16_t port, std::int64_t time_ns) {
    feed.peer = peer(port);
    feed.now.wall_ns = time_ns;
    feed.datagram(chunk(kId, 0, 2, "half"));
  };
  send(1, 1001);
  send(2, 2002);  // costs the one before
  CHECK(feed.refused_of() == std::vector<Receipt>{{peer(1), 1001}});
  CHECK(feed.noted_of() == std::vector{peer(1)});
  feed.peer = Peer{};
  feed.now = {.wall_ns = 9009, .monotonic = gelf::kChunkPatience};
  feed.deadline();
  CHECK(feed.refused_of().back() == Receipt{peer(2), 2002});
  send(3, 3003);
  feed.peer = Peer{};
  feed.end(EndReason::kDeadline);
  CHECK(feed.refused_of().back() == Receipt{peer(3), 3003});
  CHECK(feed.noted_of() == std::vector{peer(1), peer(2), peer(3)});
}
