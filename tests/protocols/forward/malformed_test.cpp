#include <catch2/catch.hpp>
#include <string>

#include "tests/protocols/compression/compress.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"
#include "tests/protocols/heap.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;

namespace {

/// Gives up without an event and without an answer; a good message behind it is not taken.
std::string refused(const std::string& bytes, Reason reason = Reason::kMalformed,
                    const ForwardOptions& options = {}) {
  CAPTURE(to_hex(bytes.substr(0, 100)));
  Feed feed(make_forward(options));
  CHECK_FALSE(feed.read(bytes));
  REQUIRE(feed.why() != nullptr);
  CHECK(feed.records().empty());
  REQUIRE(feed.refusals().size() == 1);
  CHECK(feed.refusals()[0].reason == reason);
  CHECK_FALSE(feed.read(kMessageInt));
  feed.end(EndReason::kFin);
  CHECK(feed.records().empty());
  CHECK(feed.sent().empty());
  return feed.why();
}

std::string chunk(const std::string& value) { return "\x81" + text("chunk") + value; }

}  // namespace

TEST_CASE("forward: what is no message", "[forward][malformed]") {
  CHECK(refused("\xc1") == "the byte c1, which MessagePack does not have");
  CHECK(refused("{\"tag\":1}\n") == "JSON: only MessagePack is taken");
  CHECK(refused("[\"tag\",1,{}]\n") == "JSON: only MessagePack is taken");
  CHECK(refused("\x01") == "a message is neither an array nor nil");
  CHECK(refused("\x80") == "a message is neither an array nor nil");
  CHECK(refused("\x91\xa1t") == "a message has two to four elements");
  CHECK(refused("\x95\xa1t\x01\x80\x80\x80") == "a message has two to four elements");
  CHECK(refused("\x92\x01\x90") == "no tag");
  CHECK(refused("\x92\xc0\x90") == "no tag");
  CHECK(refused("\x92\x90\x90") == "no tag");
  CHECK(refused("\x92\xda\x04\x01" + std::string(1025, 't') + "\x90") ==
        "the tag is longer than 1024 bytes");
  CHECK(refused("\x92\xa1t\x01") == "a time without a record");
  CHECK(refused("\x93\xa1t\x01\x01") == "a record is no map");
  CHECK(refused("\x93\xa1t\x01\xc0") == "a record is no map");
  CHECK(refused("\x93\xa1t\x01\x90") == "a record is no map");
  CHECK(refused("\x93\xa1t\xc3\x80") == "no time");
  CHECK(refused("\x93\xa1t\xd4\x00\x01\x80"s) == "no time");
  CHECK(refused("\x93\xa1t\x80\x80") == "no time");
  CHECK(refused("\x93\xa1t\x90\xa1x") == "the option is no map");
  CHECK(refused("\x94\xa1t\x90\x80\x80") == "an element behind the option");
  CHECK(refused("\x93\xa1t\x01\x81\x90\x01") == "a map's key is an array, a map or an extension");
}

TEST_CASE("forward: what is no entry; none of its message is taken", "[forward][malformed]") {
  const auto packed = [](const std::string& entries) { return "\x92\xa1t" + bin(entries); };
  CHECK(refused(packed(kEntry + "\x01")) == "an entry is no array of time and record");
  CHECK(refused(packed(kEntry + "\x91\x01")) == "an entry is no array of time and record");
  CHECK(refused(packed(kEntry + "\x92\x01\xa1x")) == "a record is no map");
  CHECK(refused(packed(kEntry + "\x92\xa1x\x80")) == "no time");
  CHECK(refused(packed(kEntry + "\x92\x91\x01\x80")) == "a time with metadata is no array of two");
  CHECK(refused(packed(kEntry + "\x92\x92\x01\x01\x80")) == "an entry's metadata is no map");
  CHECK(refused(packed(kEntry + "\x92\x92\xc3\x80\x80")) == "no time");
  CHECK(refused(packed(kEntry + "\xc1")) == "the byte c1, which MessagePack does not have");
  CHECK(refused(packed(kEntry + kEntry.substr(0, 9))) == "an entry is longer than what holds it");
  CHECK(refused(packed(kEntry + "\xdd\xff\xff\xff\xff")) ==
        "an entry is longer than what holds it");
  CHECK(refused("\x92\xa1t\x92" + kEntry + "\x01") == "an entry is no array of time and record");
}

TEST_CASE("forward: options that cannot be obeyed", "[forward][malformed]") {
  CHECK(refused("\x93\xa1t\x90" + chunk("\x01")) == "the chunk's id is no text");
  CHECK(refused("\x93\xa1t\x90" + chunk("\x80")) == "the chunk's id is no text");
  CHECK(refused("\x93\xa1t\x90" + chunk("\xda\x04\x01" + std::string(1025, 'c'))) ==
        "the chunk's id is longer than 1024 bytes");
  CHECK(refused("\x93\xa1t" + bin(kEntry) + "\x81" + text("compressed") + text("lz4")) ==
        "compressed in a way that is not known");
  CHECK(refused("\x93\xa1t" + bin(kEntry) + "\x81" + text("fluent_signal") + "\x01") ==
        "metrics or traces of Fluent Bit, which are no records");
}

TEST_CASE("forward: sizes of 4 GiB are refused before their bytes come", "[forward][malformed]") {
  const auto head = GENERATE(as<std::string>{}, "\xdd\xff\xff\xff\xff", "\x92\xdb\xff\xff\xff\xff",
                             "\x92\xa1t\xc6\xff\xff\xff\xff", "\x92\xa1t\xdd\xff\xff\xff\xff",
                             "\x93\xa1t\x01\xdf\xff\xff\xff\xff",
                             "\x93\xa1t\xc9\xff\xff\xff\xff\x01", "\x92\xa1t\xc6\x01\x01\x01\x01");
  CHECK(refused(head, Reason::kOversize) == "a message longer than max_frame_bytes");
}

TEST_CASE("forward: nesting of 100,000 ends at the limit", "[forward][malformed]") {
  const std::string deep(100'000, '\x91');
  Feed feed(make_forward({}, std::size_t{1} << 20));
  CHECK_FALSE(feed.read("\x93\xa1t\x01\x81\xa1k" + deep));
  CHECK(std::string(feed.why()) == "nested too deeply");
  const auto nested = [](std::size_t depth) {
    return "\x92\xa1t" + bin("\x92\x01\x81\xa1k" + std::string(depth - 1, '\x91') + "\x90");
  };
  Feed allowed(make_forward());
  CHECK(allowed.read(nested(64)));
  CHECK(refused(nested(65)) == "nested too deeply");
}

TEST_CASE("forward: bombs", "[forward][malformed]") {
  const auto compressed = [](const std::string& payload, const std::string& coding) {
    return "\x93" + text("t") + bin(payload) + "\x81" + text("compressed") + text(coding);
  };
  const std::string zeros(4 << 20, '\0');
  for (const auto& [coding, name] :
       {std::pair{Coding::kGzip, "gzip"}, std::pair{Coding::kZstd, "zstd"}}) {
    CAPTURE(name);
    CHECK(refused(compressed(compress(coding, zeros), name), Reason::kDecompressLimit,
                  {.max_decompressed_bytes = 1 << 20}) ==
          "more than forward.max_decompressed_bytes");
    CHECK(refused(compressed(compress(coding, zeros), name), Reason::kDecompressLimit,
                  {.max_decompressed_ratio = 50}) == "more than forward.max_decompressed_ratio");
    const std::string whole = compress(coding, kEntry);
    refused(compressed(whole.substr(0, whole.size() - 1), name), Reason::kUndecodable);
    refused(compressed("no " + whole, name), Reason::kUndecodable);
    refused(compressed(whole + "x", name), Reason::kUndecodable);
  }
}

TEST_CASE("forward: what came out of a broken message is not held", "[forward][malformed]") {
  const std::string whole = compress(Coding::kGzip, std::string(8 << 20, '\0'));
  const std::string bytes = "\x93" + text("t") + bin(whole.substr(0, whole.size() - 1)) + "\x81" +
                            text("compressed") + text("gzip");
  Feed feed(make_forward({.max_decompressed_ratio = 0}));
  REQUIRE(feed.read(kMessageInt));
  const std::size_t before = heap_bytes();
  CHECK_FALSE(feed.read(bytes));
  CHECK(heap_bytes() < before + (1 << 20));
}

TEST_CASE("forward: an entry that is longer than any frame", "[forward][malformed]") {
  const std::string entry = "\x92\x01\x81\xa1k\xc6\x01\x00\x00\x00"s + std::string(1 << 24, 'v');
  const std::string gzip = compress(Coding::kGzip, entry);
  CHECK(refused("\x93" + text("t") + bin(gzip) + "\x81" + text("compressed") + text("gzip"),
                Reason::kMalformed,
                {.max_decompressed_ratio = 0}) == "an entry longer than 16 MiB");
}

TEST_CASE("forward: a long tag on very many entries is refused, not copied",
          "[forward][malformed]") {
  const std::string entry = "\x92\x01\x80";
  std::string entries;
  while (entries.size() < (std::size_t{1} << 18)) entries += entry;
  const std::string gzip = compress(Coding::kGzip, entries);
  const std::string tag = "\xda\x04\x00"s + std::string(1024, 't');
  CHECK(refused("\x93" + tag + bin(gzip) + "\x81" + text("compressed") + text("gzip")) ==
        "too many entries for one message");
}
