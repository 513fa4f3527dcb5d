#include "protocols/forward/decoder.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"
#include "tests/protocols/unheard.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("forward: a chunk is answered once it is delivered, not before", "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageChunk));
  CHECK(feed.sent().empty());
  CHECK_FALSE(feed.decoder().quiescent());
  feed.complete();
  CHECK(to_hex(feed.sent()) == to_hex(kAck));
  CHECK(feed.decoder().quiescent());
}

TEST_CASE("forward: without a chunk nothing is answered", "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageInt + kForward + kPacked));
  CHECK_FALSE(feed.waits_for_completion());
  CHECK(feed.decoder().quiescent());
  CHECK(feed.sent().empty());
}

TEST_CASE("forward: the chunk's id comes back as it was, text or bytes, in order", "[forward]") {
  const auto with_chunk = [](const std::string& id) {
    return "\x93" + text("t") + bin(kEntry) + "\x82" + text("size") + "\x01" + text("chunk") + id;
  };
  const std::string hexadecimal = "\xd9\x20" + std::string(32, 'a'), bytes = "\xc4\x02\xff\x01",
                    odd = text("no base64!"), empty = text("");
  Feed feed(make_forward());
  REQUIRE(feed.read(with_chunk(hexadecimal) + with_chunk(bytes) + kMessageInt + with_chunk(odd) +
                    with_chunk(empty)));
  feed.complete();
  const std::string head = "\x81" + text("ack");
  CHECK(feed.sent() == head + hexadecimal + head + bytes + head + odd + head + empty);
}

TEST_CASE("forward: a chunk without entries is answered in its turn", "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read("\x93" + text("t") + "\x90\x81" + text("chunk") + text("id")));
  CHECK(feed.records().empty());
  feed.complete();
  CHECK(feed.sent() == "\x81" + text("ack") + text("id"));
}

TEST_CASE("forward: so many chunks without an answer stop the reading until they have it",
          "[forward]") {
  Feed feed(make_forward());
  for (int i = 0; i < 9'999; ++i) REQUIRE(feed.read(kMessageChunk));
  CHECK(feed.decoder().wants_input());
  REQUIRE(feed.read(kMessageChunk));
  CHECK_FALSE(feed.decoder().wants_input());
  REQUIRE(feed.read(kMessageChunk));  // what was read already is taken
  feed.complete();
  CHECK(feed.decoder().wants_input());
  CHECK(feed.sent().size() == 10'001 * kAck.size());
}

TEST_CASE("forward: an unfinished message is not delivered, for its sender has it still",
          "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kForward + kPacked.substr(0, 20)));
  feed.end(EndReason::kFin);
  CHECK(feed.records().size() == 2);
  CHECK(feed.refusals().empty());
  CHECK(feed.counts().rejected[static_cast<std::size_t>(Reason::kTailFin)] == 1);
}

TEST_CASE("forward: a stop waits for the message that has begun, and takes nothing behind it",
          "[forward][stop]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageChunk.substr(0, 10)));
  drain(feed.decoder());
  CHECK_FALSE(feed.decoder().quiescent());
  REQUIRE(feed.read(kMessageChunk.substr(10)));
  feed.complete();
  CHECK(feed.decoder().quiescent());
  CHECK(feed.sent() == kAck);
  REQUIRE(feed.read(kMessageChunk));
  CHECK(feed.records().size() == 1);
  CHECK(feed.counts().discarded_bytes[static_cast<std::size_t>(Reason::kTailDeadline)] ==
        kMessageChunk.size());
}

TEST_CASE("forward: behind a stop's goodbye goes on what nobody would send again",
          "[forward][stop]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageInt));
  CHECK_FALSE(feed.decoder().sender_keeps());
  drain(feed.decoder());
  REQUIRE(feed.read(kMessageInt + kForward));
  REQUIRE(feed.read(kMessageInt.substr(0, 5)));
  CHECK(feed.decoder().quiescent());
  REQUIRE(feed.read(kMessageInt.substr(5)));
  CHECK(feed.records().size() == 5);
  REQUIRE(feed.read(kMessageInt + kMessageChunk + kMessageInt));
  CHECK(feed.decoder().sender_keeps());
  CHECK(feed.records().size() == 7);
  CHECK_FALSE(feed.waits_for_completion());
  CHECK(feed.counts().discarded_bytes[static_cast<std::size_t>(Reason::kTailDeadline)] ==
        kMessageChunk.size());
}

TEST_CASE("forward: a stop says goodbye within a message of a sender that asks for no answers",
          "[forward][stop]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageInt + kMessageInt.substr(0, 5)));
  drain(feed.decoder());
  CHECK(feed.decoder().quiescent());
  REQUIRE(feed.read(kMessageInt.substr(5) + kMessageInt));
  CHECK(feed.records().size() == 3);
}

TEST_CASE("forward: what a stop cuts off of a message that nobody sends again is kept",
          "[forward][stop]") {
  Feed feed(make_forward());
  const std::string begun = kMessageInt.substr(0, 5);
  REQUIRE(feed.read(kMessageInt + begun));
  drain(feed.decoder());
  feed.end(EndReason::kDeadline);
  CHECK(feed.refusals() == std::vector<Refusal>{{Reason::kTailDeadline, begun}});
  Feed answered(make_forward());
  REQUIRE(answered.read(kMessageChunk + begun));
  drain(answered.decoder());
  answered.end(EndReason::kDeadline);
  CHECK(answered.refusals().empty());
}

TEST_CASE("forward: a stream's end leaves no message to wait for", "[forward][stop]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kMessageInt.substr(0, 5)));
  drain(feed.decoder());
  CHECK_FALSE(feed.decoder().quiescent());
  feed.end(EndReason::kFin);
  CHECK(feed.decoder().quiescent());
}

TEST_CASE("forward: the ledger of a message that was compressed or packed", "[forward]") {
  Feed feed(make_forward());
  REQUIRE(feed.read(kPacked));
  CHECK(feed.counts().in_frames_bytes == 2 * kEntry.size());
  CHECK(feed.counts().framing_bytes == kPacked.size() - 2 * kEntry.size());
  Feed single(make_forward());
  REQUIRE(single.read(kMessageChunk));
  CHECK(single.counts().in_frames_bytes == kMessageChunk.size());
}
