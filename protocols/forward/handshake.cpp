#include "protocols/forward/handshake.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "protocols/core/check.h"
#include "protocols/msgpack/token.h"

namespace penstock::forward {
namespace {

constexpr std::size_t kPingElements = 6;
constexpr std::size_t kDigestBytes = 64;

// Short values only: what is longer than 255 bytes is not sent.
std::string text(std::string_view value) {
  constexpr std::size_t kShort = 31;
  PENSTOCK_CHECK(value.size() <= 0xff);
  std::string out;
  if (value.size() > kShort) out += '\xd9';
  out += static_cast<char>(value.size() <= kShort ? 0xa0 | value.size() : value.size());
  return out.append(value);
}

std::string bytes(std::string_view value) {
  PENSTOCK_CHECK(value.size() <= 0xff);
  return std::string("\xc4") + static_cast<char>(value.size()) + std::string(value);
}

std::string pong(bool accepted, std::string_view reason, std::string_view name,
                 std::string_view digest) {
  return "\x95" + text("PONG") + (accepted ? '\xc3' : '\xc2') + text(reason) + text(name) +
         text(digest);
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// The elements of a PING that are texts or bytes, as they are.
struct Ping {
  std::array<std::string_view, kPingElements> element;
  std::string_view kind() const noexcept { return element[0]; }
  std::string_view host() const noexcept { return element[1]; }
  std::string_view salt() const noexcept { return element[2]; }
  std::string_view digest() const noexcept { return element[3]; }
  std::string_view user() const noexcept { return element[4]; }
  std::string_view password() const noexcept { return element[5]; }
};

bool parse(std::string_view message, const msgpack::ValueScan& scan, Ping& ping) noexcept {
  msgpack::Token outer;
  if (msgpack::read_token(message, outer) != msgpack::TokenStatus::kToken) return false;
  if (outer.kind != msgpack::Kind::kArray || outer.size != kPingElements) return false;
  for (unsigned i = 0; i < kPingElements; ++i) {
    const std::string_view value = message.substr(scan.child(i));
    msgpack::Token token;
    (void)msgpack::read_token(value, token);  // whole: the message is
    if (token.kind != msgpack::Kind::kString && token.kind != msgpack::Kind::kBytes) return false;
    ping.element[i] = value.substr(token.head_bytes, token.size);
  }
  return ping.kind() == "PING";
}

}  // namespace

std::string sha512_hex(std::initializer_list<std::string_view> texts) {
  std::string all;
  for (const std::string_view one : texts) all += one;
  std::array<unsigned char, kDigestBytes> digest{};
  unsigned size = 0;
  PENSTOCK_CHECK(EVP_Digest(all.data(), all.size(), digest.data(), &size, EVP_sha512(), nullptr) ==
                     1 &&
                 size == kDigestBytes);
  OPENSSL_cleanse(all.data(), all.size());
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const unsigned char byte : digest) (hex += kDigits[byte >> 4]) += kDigits[byte & 0xf];
  return hex;
}

Handshake::Handshake(const ForwardSecrets& secrets) : secrets_(secrets) {
  secrets_.fill_random(nonce_);
  if (!secrets_.users.empty()) secrets_.fill_random(auth_);
}

std::string Handshake::helo() const {
  const std::string_view auth(auth_.data(), secrets_.users.empty() ? 0 : auth_.size());
  return "\x92" + text("HELO") + "\x83" + text("nonce") + bytes({nonce_.data(), nonce_.size()}) +
         text("auth") + bytes(auth) + text("keepalive") + '\xc3';
}

Handshake::Answer Handshake::check(std::string_view message, const msgpack::ValueScan& scan) const {
  Ping ping;
  if (!parse(message, scan, ping)) return {{}, "no PING of six texts where one must come first"};
  const std::string_view nonce(nonce_.data(), nonce_.size());
  const auto refused = [](const char* why, std::string_view reason) {
    return Answer{pong(false, reason, {}, {}), why};
  };
  if (!same(ping.digest(), sha512_hex({ping.salt(), ping.host(), nonce, secrets_.shared_key})))
    return refused("the peer has another shared key", "shared_key mismatch");
  if (!secrets_.users.empty()) {
    // Every user is tried, so that the time tells nothing about which of them there are.
    bool known = false;
    for (const auto& [name, password] : secrets_.users) {
      const bool right =
          same(ping.password(), sha512_hex({{auth_.data(), auth_.size()}, name, password}));
      known |= right && same(ping.user(), name);
    }
    if (!known)
      return refused("the peer's user or password is wrong", "username/password mismatch");
  }
  const std::string digest =
      sha512_hex({ping.salt(), secrets_.server_name, nonce, secrets_.shared_key});
  return {pong(true, {}, secrets_.server_name, digest)};
}

}  // namespace penstock::forward
