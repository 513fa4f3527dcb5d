#include "protocols/gelf/decoder.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "protocols/gelf/chunk.h"
#include "tests/protocols/compression/compress.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/gelf/chunks.h"

using namespace penstock;
using namespace std::string_literals;
using test::chunk, test::chunks, test::peer, test::reasons;
using Lines = std::vector<std::string>;

namespace {

const std::string kJson = R"({"version":"1.1","host":"h","short_message":"hello","_n":1})";
const std::string kEvent = R"({"host":"h","message":"hello","fields":{"n":1}})";

std::unique_ptr<Decoder> decoder(const GelfOptions& options = {}) {
  return make_gelf_decoder({.framing = Framing::kNul}, options);
}

}  // namespace

TEST_CASE("gelf: a single chunk that comes twice counts once", "[gelf]") {
  const std::string other = R"({"short_message":"other"})";
  for (const std::string& body : {kJson, test::compress(Coding::kZlib, kJson)}) {
    test::Feed feed(decoder());
    for (int i = 0; i < 3; ++i) feed.datagram(chunk(test::kId, 0, 1, body));
    CHECK(feed.events() == Lines{kEvent});
    CHECK(feed.counts().frames == 1);
    feed.datagram(chunk(test::kId, 0, 1, other));  // another message
    feed.datagram(chunk("12345678", 0, 1, body));
    feed.peer = peer(7);
    feed.datagram(chunk(test::kId, 0, 1, body));
    feed.now.monotonic += gelf::kChunkPatience;
    feed.datagram(chunk(test::kId, 0, 1, body));
    CHECK(feed.events() == Lines{kEvent, R"({"message":"other"})", kEvent, kEvent, kEvent});
    CHECK(feed.refusals().empty());
  }
}

TEST_CASE("gelf: a single chunk that is corrupt is refused as it came", "[gelf]") {
  std::string broken = test::compress(Coding::kGzip, kJson);
  broken[12] = static_cast<char>(~broken[12]);
  test::Feed feed(decoder());
  feed.datagram(chunk(test::kId, 0, 1, broken));
  for (const std::string& part : chunks("12345678", broken, 2)) feed.datagram(part);
  CHECK(reasons(feed) == std::vector{Reason::kUndecodable, Reason::kUndecodable});
  CHECK(feed.refusals()[0].bytes == chunk(test::kId, 0, 1, broken));
  CHECK(feed.refusals()[1].bytes == broken);  // put together
}

TEST_CASE("gelf: a datagram as JSON, gzip and zlib, whole and as a single chunk", "[gelf]") {
  for (const std::string& body :
       {kJson, test::compress(Coding::kGzip, kJson), test::compress(Coding::kZlib, kJson)}) {
    test::Feed feed(decoder());
    feed.datagram(body);
    feed.datagram(chunk(test::kId, 0, 1, body));
    CHECK(feed.events() == Lines{kEvent, kEvent});
    CHECK(feed.refusals().empty());
    CHECK(feed.records()[0].bytes == kJson);
  }
}

TEST_CASE("gelf: a byte order mark in front and a NUL behind are none of a message", "[gelf]") {
  for (const std::string& json : {"\xef\xbb\xbf" + kJson, kJson + '\0'}) {
    test::Feed feed(decoder());
    feed.datagram(json);
    feed.datagram(test::compress(Coding::kZlib, json));
    feed.read(json + (json.ends_with('\0') ? ""s : "\0"s));
    CHECK(feed.events() == Lines{kEvent, kEvent, kEvent});
  }
}

TEST_CASE("gelf: a message that was cut says so", "[gelf]") {
  test::Feed feed(make_gelf_decoder({.framing = Framing::kNul, .max_frame_bytes = 9}, {}));
  feed.read(kJson + '\0');
  CHECK(feed.events() == Lines{R"({"error":"cut off at max_frame_bytes","message":"{\"version"})"});
}

TEST_CASE("gelf: chunks in every order, each of them twice", "[gelf]") {
  for (const std::string& body : {kJson, test::compress(Coding::kZlib, kJson)}) {
    Lines order = chunks(test::kId, body, 4);
    std::sort(order.begin(), order.end());
    do {
      test::Feed feed(decoder());
      for (std::size_t i = 0; i + 1 < order.size(); ++i) {
        feed.datagram(order[i]);
        feed.datagram(order[i]);
      }
      CHECK(feed.events().empty());
      feed.datagram(order.back());
      CHECK(feed.events() == Lines{kEvent});
      feed.now.monotonic += gelf::kChunkPatience;
      feed.deadline();
      CHECK(feed.refusals().empty());
      CHECK_FALSE(feed.decoder().deadline());
    } while (std::next_permutation(order.begin(), order.end()));
  }
}

TEST_CASE("gelf: chunks of a whole message that come again are nothing", "[gelf]") {
  const Lines parts = chunks(test::kId, kJson, 3);
  test::Feed feed(decoder());
  for (int i = 0; i < 3; ++i)
    for (const std::string& part : parts) feed.datagram(part);
  feed.datagram(parts.back());
  CHECK(feed.events() == Lines{kEvent});
  feed.peer = peer(7);
  for (const std::string& part : parts) feed.datagram(part);  // another sender's
  CHECK(feed.events() == Lines{kEvent, kEvent});
  feed.now.monotonic += gelf::kChunkPatience;
  for (const std::string& part : parts) feed.datagram(part);
  CHECK(feed.events() == Lines{kEvent, kEvent, kEvent});
  feed.end(EndReason::kDeadline);
  CHECK(feed.refusals().empty());
}

TEST_CASE("gelf: an id that comes again with other bytes is another message", "[gelf]") {
  const std::string other = R"({"version":"1.1","host":"h","short_message":"other","_n":1})";
  for (const unsigned count : {2u, 3u}) {
    test::Feed feed(decoder());
    for (const std::string& part : chunks(test::kId, kJson, 2)) feed.datagram(part);
    Lines parts = chunks(test::kId, other, count);
    std::reverse(parts.begin(), parts.end());
    for (const std::string& part : parts) feed.datagram(part);
    CHECK(feed.events() == Lines{kEvent, R"({"host":"h","message":"other","fields":{"n":1}})"});
    CHECK(feed.refusals().empty());
  }
}

TEST_CASE("gelf: 128 chunks are allowed, and one may be empty", "[gelf]") {
  test::Feed feed(decoder());
  for (const std::string& one : chunks(test::kId, kJson, gelf::kMostChunks)) feed.datagram(one);
  CHECK(feed.events() == Lines{kEvent});
}

TEST_CASE("gelf: the same id of two peers is two messages", "[gelf]") {
  const Lines parts = chunks(test::kId, kJson, 2);
  test::Feed feed(decoder());
  feed.peer = peer(1);
  feed.datagram(parts[0]);
  feed.peer = peer(2);
  feed.datagram(parts[0]);
  feed.datagram(parts[1]);
  CHECK(feed.events() == Lines{kEvent});
  feed.peer = peer(1);
  feed.datagram(parts[1]);
  CHECK(feed.events() == Lines{kEvent, kEvent});
  CHECK(feed.refusals().empty());
}

TEST_CASE("gelf: headers that cannot be are refused, and the next message arrives", "[gelf]") {
  const std::string bad =
      GENERATE("\x1e\x0f"s, "\x1e\x0f"s + "abcdefgh\0"s, chunk(test::kId, 0, 0, "x"),
               chunk(test::kId, 0, 129, "x"), chunk(test::kId, 2, 2, "x"),
               chunk(test::kId, 255, 2, "x"), chunk(test::kId, 0, 255, "x"));
  test::Feed feed(decoder());
  feed.datagram(bad);
  CHECK(feed.refusals().size() == 1);
  CHECK(feed.refusals()[0].bytes == bad);
  CHECK(reasons(feed) == std::vector{Reason::kMalformed});
  feed.datagram(kJson);
  CHECK(feed.events() == Lines{kEvent});
}

TEST_CASE("gelf: a chunk that contradicts its set is refused, the set goes on", "[gelf]") {
  const Lines parts = chunks(test::kId, kJson, 2);
  test::Feed feed(decoder());
  feed.datagram(parts[0]);
  feed.datagram(chunk(test::kId, 0, 2, "other"));
  feed.datagram(chunk(test::kId, 1, 3, "other"));
  CHECK(reasons(feed) == std::vector{Reason::kMalformed, Reason::kMalformed});
  feed.datagram(parts[1]);
  CHECK(feed.events() == Lines{kEvent});
}

TEST_CASE("gelf: what is not whole after 5 s is refused datagram by datagram", "[gelf]") {
  const Lines parts = chunks(test::kId, kJson, 3);
  test::Feed feed(decoder());
  feed.now.monotonic = std::chrono::milliseconds(1000);
  feed.datagram(parts[2]);
  feed.datagram(parts[0]);
  REQUIRE(feed.decoder().deadline() == std::chrono::milliseconds(6000));
  feed.now.monotonic = std::chrono::milliseconds(5999);
  feed.deadline();
  CHECK(feed.refusals().empty());
  feed.now.monotonic = std::chrono::milliseconds(6000);
  feed.deadline();
  CHECK(reasons(feed) == std::vector{Reason::kTailTimeout, Reason::kTailTimeout});
  CHECK(feed.refusals()[0].bytes == parts[0]);
  CHECK(feed.refusals()[1].bytes == parts[2]);
  CHECK_FALSE(feed.decoder().deadline());
}

TEST_CASE("gelf: a late chunk does not complete a set whose time is over", "[gelf]") {
  const Lines parts = chunks(test::kId, kJson, 2);
  test::Feed feed(decoder());
  feed.datagram(parts[0]);
  feed.now.monotonic = std::chrono::milliseconds(5000);
  feed.datagram(parts[1]);
  CHECK(feed.events().empty());
  CHECK(reasons(feed) == std::vector{Reason::kTailTimeout});
  feed.datagram(parts[0]);
  CHECK(feed.events() == Lines{kEvent});
}

TEST_CASE("gelf: a flood of chunks costs the oldest sets, and memory stays within the limits",
          "[gelf]") {
  test::Feed feed(decoder({.max_chunk_sets = 3}));
  for (char id = 'a'; id < 'k'; ++id) feed.datagram(chunk(std::string(8, id), 0, 2, "part"));
  CHECK(reasons(feed) == std::vector(7, Reason::kPartialBudget));
  CHECK(feed.refusals()[0].bytes == chunk("aaaaaaaa", 0, 2, "part"));

  test::Feed bytes(decoder({.max_chunk_bytes = 100'000}));
  for (char id = 'a'; id < 'u'; ++id)
    bytes.datagram(chunk(std::string(8, id), 0, 2, std::string(10'000, 'x')));
  CHECK(reasons(bytes) == std::vector(10, Reason::kPartialBudget));
}

TEST_CASE("gelf: a message longer than the maximum is refused", "[gelf]") {
  test::Feed feed(decoder({.max_message_bytes = 100}));
  feed.datagram(chunk(test::kId, 0, 3, std::string(60, 'x')));
  feed.datagram(chunk(test::kId, 1, 3, std::string(60, 'x')));
  CHECK(reasons(feed) == std::vector{Reason::kOversize, Reason::kOversize});

  const std::string json = R"({"short_message":")" + std::string(500, 'a') + R"("})";
  const std::string packed = test::compress(Coding::kZlib, json);
  test::Feed small(decoder({.max_message_bytes = json.size() - 1}));
  small.datagram(packed);
  small.datagram(chunk(test::kId, 0, 1, packed));
  small.datagram(chunk(test::kId, 0, 1, json));
  CHECK(reasons(small) ==
        std::vector{Reason::kDecompressLimit, Reason::kDecompressLimit, Reason::kOversize});
  CHECK(small.reasons() == Lines{"more than gelf.max_message_bytes",
                                 "more than gelf.max_message_bytes",
                                 "a GELF message longer than gelf.max_message_bytes"});
  CHECK(small.refusals()[1].bytes == chunk(test::kId, 0, 1, packed));
  CHECK(small.refusals()[2].bytes == chunk(test::kId, 0, 1, json));
}

TEST_CASE("gelf: white space alone is no record", "[gelf]") {
  for (const std::string& blank : {"\n"s, " \r\n"s, "\t\0"s}) {
    test::Feed feed(decoder());
    feed.datagram(blank);
    feed.datagram(test::compress(Coding::kZlib, blank));
    for (const std::string& part : chunks(test::kId, blank, 2)) feed.datagram(part);
    feed.read(kJson + '\0' + blank);
    feed.end(EndReason::kFin);
    CHECK(feed.events() == Lines{kEvent});
    CHECK(feed.counts().empty == 4);
    CHECK(feed.refusals().empty());
  }
}

TEST_CASE("gelf: bombs and broken blobs are refused", "[gelf]") {
  const std::string bomb = test::compress(Coding::kZlib, std::string(4 << 20, ' '));
  test::Feed feed(decoder());
  feed.datagram(bomb);
  CHECK(reasons(feed) == std::vector{Reason::kDecompressLimit});
  CHECK(feed.reasons() == Lines{"more than gelf.max_decompressed_ratio"});
  std::string broken = test::compress(Coding::kGzip, kJson);
  broken[12] = static_cast<char>(~broken[12]);
  feed.datagram(broken);
  feed.datagram(test::compress(Coding::kGzip, kJson).substr(0, 30));
  CHECK(reasons(feed) ==
        std::vector{Reason::kDecompressLimit, Reason::kUndecodable, Reason::kUndecodable});
  feed.datagram(kJson);
  CHECK(feed.events() == Lines{kEvent});
}

TEST_CASE("gelf: a ratio of more than the limit is a bomb too", "[gelf]") {
  const std::string json = R"({"short_message":")" + std::string(900'000, 'a') + R"("})";
  test::Feed strict(decoder());
  strict.datagram(test::compress(Coding::kZlib, json));
  CHECK(reasons(strict) == std::vector{Reason::kDecompressLimit});
  CHECK(strict.reasons() == Lines{"more than gelf.max_decompressed_ratio"});
  test::Feed lenient(decoder({.max_decompressed_ratio = 0}));
  lenient.datagram(test::compress(Coding::kZlib, json));
  CHECK(lenient.events().size() == 1);
}

TEST_CASE("gelf: a datagram that the kernel cut is oversize", "[gelf]") {
  const std::string body = test::compress(Coding::kZlib, kJson);
  test::Feed feed(decoder());
  feed.datagram(body, body.size() + 5);
  feed.datagram(chunk(test::kId, 0, 2, "x"), 100);
  CHECK(reasons(feed) == std::vector{Reason::kOversize, Reason::kOversize});
}

TEST_CASE("gelf: what waits at the end is refused, not forgotten", "[gelf]") {
  test::Feed feed(decoder());
  feed.datagram(chunks(test::kId, kJson, 2)[0]);
  feed.end(EndReason::kFin);
  CHECK(reasons(feed) == std::vector{Reason::kTailDeadline});
}

TEST_CASE("gelf: a stream ends its messages with NUL, however it is cut", "[gelf]") {
  const std::string stream = kJson + '\0' + "no JSON\0\0"s + kJson + '\0' + kJson;
  const Lines events = {kEvent,
                        R"({"error":"not a JSON object","error_offset":0,"message":"no JSON"})",
                        kEvent, kEvent};
  test::Feed whole(decoder());
  whole.read(stream);
  whole.end(EndReason::kFin);
  CHECK(whole.events() == events);
  test::Feed bytewise(decoder(), test::Place::kOutside);
  bytewise.read_bytewise(stream);
  bytewise.end(EndReason::kFin);
  CHECK(bytewise.events() == events);
  for (std::size_t at = 1; at < stream.size(); ++at) {
    CAPTURE(at);
    test::Feed cut(decoder());
    cut.read_cut(stream, {at});
    cut.end(EndReason::kFin);
    CHECK(cut.events() == events);
  }
}
