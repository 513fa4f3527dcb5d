#include "protocols/forward/client.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "protocols/forward/digests.h"
#include "protocols/forward/handshake.h"
#include "protocols/forward/values.h"
#include "tests/protocols/feed.h"
#include "tests/protocols/forward/support.h"

using namespace penstock;
using namespace penstock::test;
using forward::Client;
using Texts = std::vector<std::string>;

namespace {

const std::string kNothing;

void fill_with_s(std::span<char> bytes) { std::fill(bytes.begin(), bytes.end(), 'S'); }

ForwardClientSecrets knows(const std::string& key, const std::string& user = "",
                           const std::string& password = "") {
  return {key, user, password, "client", fill_with_s};
}

ForwardOptions asks_for(const std::string& key, bool users) {
  ForwardSecrets secrets{.shared_key = key, .server_name = "server"};
  if (users) secrets.users = {{"user", "pass"}};
  secrets.fill_random = [](std::span<char> bytes) { std::fill(bytes.begin(), bytes.end(), 'N'); };
  ForwardOptions options;
  options.secrets = std::make_shared<const ForwardSecrets>(std::move(secrets));
  return options;
}

/// The handshake between `client` and a listener: what the client has against it.
std::string shake(Client& client, const ForwardOptions& options) {
  Feed listener(make_forward(options));
  listener.open();
  std::string ping, more;
  Texts acks;
  const std::string helo = listener.sent();
  if (std::string why = client.hear(helo, ping, acks); !why.empty()) return why;
  CHECK_FALSE(client.ready());
  listener.read(ping);
  std::string why = client.hear(listener.sent().substr(helo.size()), more, acks);
  CHECK(more.empty());
  CHECK(acks.empty());
  return why;
}

std::string ack_of(const std::string& id) { return "\x81" + text("ack") + text(id); }

/// What `client` says to `answer` as a whole.
std::string said(Client client, const std::string& answer) {
  std::string reply;
  Texts acks;
  std::string why = client.hear(answer, reply, acks);
  if (!why.empty()) CHECK(acks.empty());
  return why;
}

}  // namespace

TEST_CASE("forward client: the handshake with a listener of ours", "[forward][client]") {
  const bool users = GENERATE(false, true);
  const ForwardClientSecrets secrets = knows("key", users ? "user" : "", users ? "pass" : "");
  Client client(&secrets);
  CHECK(shake(client, asks_for("key", users)).empty());
  CHECK(client.ready());
}

TEST_CASE("forward client: why a handshake fails", "[forward][client]") {
  const auto [ours, key, users,
              why] = GENERATE(table<ForwardClientSecrets, std::string, bool, std::string>({
      {knows("key"), "other", false, "it refuses the handshake: shared_key mismatch"},
      {knows("key", "user", "wrong"), "key", true,
       "it refuses the handshake: username/password mismatch"},
      {knows("key"), "key", true, "it asks for a user and password, and forward.user names none"},
  }));
  Client client(&ours);
  CHECK(shake(client, asks_for(key, users)) == why);
  CHECK_FALSE(client.ready());
}

TEST_CASE("forward client: a server must know the key as well", "[forward][client]") {
  const ForwardClientSecrets secrets = knows("key");
  const std::string salt(16, 'S'), nonce(16, 'N');
  const auto pong_of = [&](const std::string& key, const std::string& name = "server") {
    std::string pong = "\x95" + text("PONG") + "\xc3" + text("") + text(name);
    forward::append_text(pong, forward::key_digest(salt, name, nonce, key));
    return pong;
  };
  const std::string helo =
      "\x92" + text("HELO") + "\x82" + text("nonce") + text(nonce) + text("auth") + text("");
  CHECK(said(Client(&secrets), helo + pong_of("key")).empty());
  CHECK(said(Client(&secrets), helo + pong_of("other")) == "it does not know the shared key");
  // Whoever repeats our own name and digest need not know it.
  CHECK(said(Client(&secrets), helo + pong_of("key", "client")) ==
        "it calls itself client, as we do");
}

TEST_CASE("forward client: what it is told may come in any pieces", "[forward][client]") {
  const ForwardClientSecrets secrets = knows("key", "user", "pass");
  Feed listener(make_forward(asks_for("key", true)));
  listener.open();
  std::string ping;
  Texts none;
  Client first(&secrets);
  REQUIRE(first.hear(listener.sent(), ping, none).empty());
  listener.read(ping);
  const std::string all =
      listener.sent() + ack_of("one") + "\x81" + text("ack") + bin("two") + ack_of("three");
  for (std::size_t cut = 0; cut <= all.size(); ++cut) {
    for (std::size_t next = cut; next <= all.size(); next += 7) {
      CAPTURE(cut, next);
      Client client(&secrets);
      std::string reply;
      Texts acks;
      REQUIRE(client.hear(all.substr(0, cut), reply, acks).empty());
      REQUIRE(client.hear(all.substr(cut, next - cut), reply, acks).empty());
      REQUIRE(client.hear(all.substr(next), reply, acks).empty());
      REQUIRE(reply == ping);
      REQUIRE(acks == Texts{"one", "two", "three"});
    }
  }
}

TEST_CASE("forward client: what is no answer ends it", "[forward][client]") {
  const std::string ack = "it answers with something else than Forward protocol's acknowledgement";
  const std::string packed = "it answers with something else than Forward protocol's MessagePack";
  const auto [answer, why] = GENERATE_COPY(table<std::string, std::string>({
      {ack_of("id"), kNothing},
      {"\x82" + text("more") + "\x01" + text("ack") + text("id"), kNothing},
      {"\xc0", ack},
      {"\x90", ack},
      {"\x80", ack},
      {"\x81" + text("ack") + "\xc0", ack},
      {ack_of(""), ack},
      {"\x81" + text("nak") + text("id"), ack},
      {"H", ack},
      {"\xc1", packed},
      {"\xdb\xff\xff\xff\xff", packed},
      {std::string(20, '\x91'), packed},
      {"\x92" + text("HELO") + "\x80",
       "it asks for a shared key, and forward.shared_key_file names none"},
  }));
  CAPTURE(to_hex(answer));
  CHECK(said(Client(nullptr), answer) == why);
}

TEST_CASE("forward client: what comes in place of HELO or PONG", "[forward][client]") {
  const ForwardClientSecrets secrets = knows("key");
  const std::string strange = "it answers with something else than Forward protocol's ";
  const std::string answer =
      GENERATE(as<std::string>{}, "\xc0", "\x91\xa4HELO", "\x92\xa4HELO\xc0", "\x92\xa4PONG\x80",
               "\x81\xa3"
               "ack\xa2id");
  CAPTURE(to_hex(answer));
  CHECK(said(Client(&secrets), answer) == strange + "HELO");
  CHECK(said(Client(&secrets), "\x92\xa4HELO\x80" + answer) == strange + "PONG");
  CHECK(said(Client(&secrets), "\x92\xa4HELO\x80\x95\xa4PONG\xc2\xa4" + std::string("a\nb\x80") +
                                   "\xa0\xa0") == "it refuses the handshake: a?b?");
}

TEST_CASE("forward: a chunk's id is its bytes'", "[forward][client]") {
  CHECK(forward::chunk_id("") == "47DEQpj8HBSa+/TImW+5JA==");
  CHECK(forward::chunk_id("abc") == "ungWv48Bz+pBQUDeXa4iIw==");
}

TEST_CASE("forward: values in their shortest form", "[forward][client]") {
  const std::size_t size = GENERATE(0u, 31u, 32u, 255u, 256u, 65535u);
  const std::string value(size, 'x');
  std::string texts, bytes;
  forward::append_text(texts, value);
  forward::append_bytes(bytes, value);
  CHECK(texts.size() - size == (size < 32 ? 1u : size < 256 ? 2u : 3u));
  CHECK(bytes.size() - size == (size < 256 ? 2u : 3u));
  CHECK(forward::text_of(texts) == value);
  CHECK(forward::text_of(bytes) == value);
  std::string_view rest = bytes += '\xc0';
  CHECK(forward::take_value(rest).size() == bytes.size() - 1);
  CHECK(rest == "\xc0");
}
