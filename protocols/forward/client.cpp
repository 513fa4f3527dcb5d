#include "protocols/forward/client.h"

#include <array>
#include <span>

#include "protocols/forward/digests.h"
#include "protocols/forward/values.h"
#include "protocols/msgpack/token.h"

namespace penstock::forward {
namespace {

using msgpack::first_token;
using msgpack::Kind;
using msgpack::Token;

constexpr unsigned kMaxAnswerDepth = 8;
constexpr std::size_t kSaltBytes = 16;
constexpr std::string_view kStrange = "it answers with something else than Forward protocol's ";

std::string strange(std::string_view expected) { return std::string(kStrange).append(expected); }

/// The elements of an array whose first is the text `kind`, behind that one; false where it is none of `count` in all.
template <std::size_t kCount>
bool elements(std::string_view answer, std::string_view kind,
              std::array<std::string_view, kCount>& values) noexcept {
  const Token token = first_token(answer);
  if (token.kind != Kind::kArray || token.size != kCount + 1) return false;
  answer.remove_prefix(token.head_bytes);
  if (text_of(take_value(answer)) != kind) return false;
  for (std::string_view& value : values) value = take_value(answer);
  return true;
}

/// The value of `key` in a map of texts; nothing where there is none.
std::string_view member(std::string_view map, std::string_view key) noexcept {
  const Token token = first_token(map);
  if (token.kind != Kind::kMap) return {};
  map.remove_prefix(token.head_bytes);
  for (std::uint32_t left = token.size; left != 0; --left) {
    const std::string_view name = text_of(take_value(map));
    const std::string_view value = take_value(map);
    if (name == key) return value;
  }
  return {};
}

/// For a log: what a receiver says may be anything.
std::string printable(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::string out(text.substr(0, kMost));
  for (char& one : out)
    if (one < ' ' || one > '~') one = '?';
  return out;
}

}  // namespace

Client::Client(const ForwardClientSecrets* secrets)
    : secrets_(secrets),
      state_(secrets == nullptr ? State::kReady : State::kHelo),
      scan_({.max_bytes = kMaxAnswerBytes, .max_depth = kMaxAnswerDepth}) {}

std::string Client::hear(std::string_view bytes, std::string& reply,
                         std::vector<std::string>& acks) {
  rest_ += bytes;
  std::size_t taken = 0;
  std::string why;
  while (taken < rest_.size() && why.empty()) {
    const std::string_view rest = std::string_view(rest_).substr(taken);
    const auto status = scan_.run(rest);
    if (status == msgpack::ValueScan::Status::kNeedMore) break;
    if (status != msgpack::ValueScan::Status::kWhole) return strange("MessagePack");
    why = take(rest.substr(0, scan_.size()), reply, acks);
    taken += scan_.size();
    scan_.restart();
  }
  rest_.erase(0, taken);
  return why;
}

std::string Client::take(std::string_view answer, std::string& reply,
                         std::vector<std::string>& acks) {
  switch (state_) {
    case State::kHelo: return take_helo(answer, reply);
    case State::kPong: return take_pong(answer);
    case State::kReady: break;
  }
  return take_ack(answer, acks);
}

std::string Client::take_helo(std::string_view answer, std::string& reply) {
  std::array<std::string_view, 1> helo;
  if (!elements(answer, "HELO", helo) || first_token(helo[0]).kind != Kind::kMap)
    return strange("HELO");
  nonce_ = text_of(member(helo[0], "nonce"));
  const std::string_view auth = text_of(member(helo[0], "auth"));
  if (!auth.empty() && secrets_->user.empty())
    return "it asks for a user and password, and forward.user names none";
  salt_.resize(kSaltBytes);
  secrets_->fill_random(std::span<char>(salt_));
  const std::string& host = secrets_->host_name;
  reply += '\x96';
  append_text(reply, "PING");
  append_text(reply, host);
  append_bytes(reply, salt_);
  append_text(reply, key_digest(salt_, host, nonce_, secrets_->shared_key));
  append_text(reply, auth.empty() ? std::string_view() : secrets_->user);
  append_text(reply, auth.empty() ? std::string()
                                  : password_digest(auth, secrets_->user, secrets_->password));
  state_ = State::kPong;
  return {};
}

std::string Client::take_pong(std::string_view answer) {
  std::array<std::string_view, 4> pong;  // accepted, reason, host, digest
  if (!elements(answer, "PONG", pong) || first_token(pong[0]).kind != Kind::kBool)
    return strange("PONG");
  if (!first_token(pong[0]).boolean)
    return "it refuses the handshake: " + printable(text_of(pong[1]));
  // Then its digest is ours, which it need only repeat: it proves nothing.
  const std::string_view host = text_of(pong[2]);
  if (host == secrets_->host_name) return "it calls itself " + printable(host) + ", as we do";
  if (!same_digest(text_of(pong[3]), key_digest(salt_, host, nonce_, secrets_->shared_key)))
    return "it does not know the shared key";
  state_ = State::kReady;
  return {};
}

std::string Client::take_ack(std::string_view answer, std::vector<std::string>& acks) const {
  std::array<std::string_view, 1> helo;
  if (secrets_ == nullptr && elements(answer, "HELO", helo))
    return "it asks for a shared key, and forward.shared_key_file names none";
  const std::string_view id = member(answer, "ack");
  if (id.empty() || text_of(id).empty()) return strange("acknowledgement");
  acks.emplace_back(text_of(id));
  return {};
}

}  // namespace penstock::forward
