#include "protocols/forward/handshake.h"

#include "protocols/forward/digests.h"
#include "protocols/forward/values.h"
#include "protocols/msgpack/token.h"

namespace penstock::forward {
namespace {

constexpr std::size_t kPingElements = 6;

std::string pong(bool accepted, std::string_view reason, std::string_view name,
                 std::string_view digest) {
  std::string out = "\x95";
  append_text(out, "PONG");
  out += accepted ? '\xc3' : '\xc2';
  for (const std::string_view one : {reason, name, digest}) append_text(out, one);
  return out;
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

Handshake::Handshake(const ForwardSecrets& secrets) : secrets_(secrets) {
  secrets_.fill_random(nonce_);
  if (!secrets_.users.empty()) secrets_.fill_random(auth_);
}

std::string Handshake::helo() const {
  const std::string_view auth(auth_.data(), secrets_.users.empty() ? 0 : auth_.size());
  std::string out = "\x92";
  append_text(out, "HELO");
  out += '\x83';
  append_text(out, "nonce");
  append_bytes(out, {nonce_.data(), nonce_.size()});
  append_text(out, "auth");
  append_bytes(out, auth);
  append_text(out, "keepalive");
  return out += '\xc3';
}

Handshake::Answer Handshake::check(std::string_view message, const msgpack::ValueScan& scan) const {
  Ping ping;
  if (!parse(message, scan, ping)) return {{}, "no PING of six texts where one must come first"};
  const std::string_view nonce(nonce_.data(), nonce_.size());
  const auto refused = [](const char* why, std::string_view reason) {
    return Answer{pong(false, reason, {}, {}), why};
  };
  if (!same_digest(ping.digest(), key_digest(ping.salt(), ping.host(), nonce, secrets_.shared_key)))
    return refused("the peer has another shared key", "shared_key mismatch");
  if (!secrets_.users.empty()) {
    // Every user is tried, so that the time tells nothing about which of them there are.
    bool known = false;
    for (const auto& [name, password] : secrets_.users) {
      const bool right = same_digest(ping.password(),
                                     password_digest({auth_.data(), auth_.size()}, name, password));
      known |= right && same_digest(ping.user(), name);
    }
    if (!known)
      return refused("the peer's user or password is wrong", "username/password mismatch");
  }
  const std::string digest =
      key_digest(ping.salt(), secrets_.server_name, nonce, secrets_.shared_key);
  return {pong(true, {}, secrets_.server_name, digest)};
}

}  // namespace penstock::forward
