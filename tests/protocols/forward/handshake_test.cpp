#include "protocols/forward/handshake.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "protocols/forward/digests.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"

using namespace penstock;
using namespace penstock::test;
using forward::sha512_hex;

namespace {

const std::string kSalt(16, 'S'), kNonce(16, 'N'), kAuth(16, 'A');

/// First the nonce, then the salt of users.
void fill(std::span<char> bytes) {
  static bool first = true;
  std::fill(bytes.begin(), bytes.end(), first ? 'N' : 'A');
  first = !first;
}
void fill_nonce(std::span<char> bytes) { std::fill(bytes.begin(), bytes.end(), 'N'); }

ForwardOptions with_key(bool users) {
  ForwardSecrets secrets{.shared_key = "key", .server_name = "server"};
  if (users) secrets.users = {{"other", "x"}, {"user", "pass"}};
  secrets.fill_random = users ? fill : fill_nonce;
  ForwardOptions options;
  options.secrets = std::make_shared<const ForwardSecrets>(std::move(secrets));
  return options;
}

std::string long_text(const std::string& value) {
  return value.size() < 32 ? text(value)
                           : "\xd9" + std::string(1, static_cast<char>(value.size())) + value;
}

std::string ping(const std::string& key, const std::string& user = "",
                 const std::string& password_digest = "") {
  return "\x96" + text("PING") + text("client") + text(kSalt) +
         long_text(sha512_hex({kSalt, "client", kNonce, key})) + text(user) +
         long_text(password_digest);
}

const std::string kHelo = "\x92" + text("HELO") + "\x83" + text("nonce") + "\xc4\x10" + kNonce +
                          text("auth") + std::string("\xc4\0", 2) + text("keepalive") + "\xc3";

std::string pong() {
  return "\x95" + text("PONG") + "\xc3" + text("") + text("server") +
         long_text(sha512_hex({kSalt, "server", kNonce, "key"}));
}

}  // namespace

TEST_CASE("handshake: the digests", "[forward][handshake]") {
  CHECK(sha512_hex({kSalt, "client", kNonce, "key"}).substr(0, 32) ==
        "731639ccda1486eafb63156de7f2e7e2");
  CHECK(sha512_hex({kAuth, "user", "pass"}).substr(0, 32) == "c7636f6261373e4f9fcbb04a3beaf2f0");
  CHECK(sha512_hex({kSalt, "server", kNonce, "key"}).substr(0, 32) ==
        "c31c4d9a59346fc70617eb3581d120cd");
  CHECK(sha512_hex({}).size() == 128);
}

TEST_CASE("handshake: HELO, PING, PONG, and then records", "[forward][handshake]") {
  Feed feed(make_forward(with_key(false)));
  feed.open();
  CHECK(feed.sent() == kHelo);
  REQUIRE(feed.read(ping("key") + kMessageChunk));
  CHECK(feed.sent() == kHelo + pong());
  CHECK(feed.records().size() == 1);
  feed.complete();
  CHECK(feed.sent() == kHelo + pong() + kAck);
}

TEST_CASE("handshake: salt and digest as bytes", "[forward][handshake]") {
  const std::string digest = sha512_hex({kSalt, "client", kNonce, "key"});
  Feed feed(make_forward(with_key(false)));
  feed.open();
  REQUIRE(feed.read_bytewise("\x96" + text("PING") + text("client") + "\xc4\x10" + kSalt +
                             "\xc4\x80" + digest + text("") + text("")));
  CHECK(feed.sent() == kHelo + pong());
}

TEST_CASE("handshake: users", "[forward][handshake]") {
  const auto open = [](Feed& feed, const std::string& last) {
    feed.open();
    CHECK(feed.sent().find("\xc4\x10" + kAuth) != std::string::npos);
    return feed.read(last + kMessageInt);
  };
  Feed right(make_forward(with_key(true)));
  CHECK(open(right, ping("key", "user", sha512_hex({kAuth, "user", "pass"}))));
  CHECK(right.records().size() == 1);
  const auto wrong = GENERATE(values<std::string>({
      ping("key"),
      ping("key", "user", sha512_hex({kAuth, "user", "Pass"})),
      ping("key", "nobody", sha512_hex({kAuth, "nobody", "pass"})),
      ping("key", "other", sha512_hex({kAuth, "user", "pass"})),
      ping("key", "user", sha512_hex({"user", "pass"})),
      ping("key", "user", "pass"),
      ping("other", "user", sha512_hex({kAuth, "user", "pass"})),
  }));
  Feed refused(make_forward(with_key(true)));
  CHECK_FALSE(open(refused, wrong));
  CHECK(refused.records().empty());
  CHECK(refused.sent().find("\x95" + text("PONG") + "\xc2") != std::string::npos);
}

TEST_CASE("handshake: another key is told and refused", "[forward][handshake]") {
  Feed feed(make_forward(with_key(false)));
  feed.open();
  CHECK_FALSE(feed.read(ping("Key") + kMessageInt));
  CHECK(std::string(feed.why()) == "the peer has another shared key");
  CHECK(feed.counts().rejected[static_cast<std::size_t>(Reason::kRefused)] == 1);
  CHECK(feed.records().empty());
  CHECK(feed.sent() ==
        kHelo + "\x95" + text("PONG") + "\xc2" + text("shared_key mismatch") + text("") + text(""));
}

TEST_CASE("handshake: records before PONG, and PINGs that are none, are refused",
          "[forward][handshake]") {
  const auto bytes = GENERATE(values<std::string>({
      kMessageInt,
      kForward,
      "\xc0",
      "\x90",
      "\x95" + text("PING") + text("client") + text(kSalt) + text("x") + text(""),
      "\x97" + text("PING") + text("client") + text(kSalt) + text("x") + text("") + text("") +
          text(""),
      "\x96" + text("PONG") + text("client") + text(kSalt) + text("x") + text("") + text(""),
      "\x96" + text("PING") + "\x01" + text(kSalt) + text("x") + text("") + text(""),
  }));
  Feed feed(make_forward(with_key(false)));
  feed.open();
  CHECK_FALSE(feed.read(bytes + kMessageInt));
  CHECK(feed.records().empty());
  CHECK(feed.sent() == kHelo);
}

TEST_CASE("handshake: a PING that is longer than any is refused before it is there",
          "[forward][handshake]") {
  const auto bytes = GENERATE(values<std::string>({
      "\x96" + text("PING") + std::string("\xc6\x00\x00\x10\x00", 5),
      "\x96" + text("PING") + std::string("\xc5\x10\x00", 3) + std::string(4096, 'x'),
  }));
  Feed feed(make_forward(with_key(false)));
  feed.open();
  CHECK_FALSE(feed.read(bytes));
  CHECK(std::string(feed.why()) == "a PING longer than 4 KiB");
  CHECK(feed.sent() == kHelo);
}
