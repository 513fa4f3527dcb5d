#include "server/sinks/json_head.h"

#include <array>
#include <charconv>
#include <concepts>

#include "protocols/core/utc_text.h"
#include "server/sinks/json_text.h"

namespace penstock {
namespace {

constexpr std::string_view kTimeKey = R"({"time":")";

void append_text(std::string& out, std::string_view text) {
  const std::size_t before = out.size();
  out.resize(before + most_json_text_bytes(text.size()) + kJsonTextSlack);
  const char* end = write_json_text(text, out.data() + before).end;
  out.resize(static_cast<std::size_t>(end - out.data()));
}

/// `"key":`, with a comma in front unless it is an object's first member.
void append_key(std::string& out, std::string_view key) {
  if (out.back() != '{') out += ',';
  out += '"';
  out += key;
  out += R"(":)";
}

void append_member(std::string& out, std::string_view key, std::string_view text) {
  append_key(out, key);
  out += '"';
  append_text(out, text);
  out += '"';
}

template <std::integral Number>
void append_member(std::string& out, std::string_view key, Number number) {
  append_key(out, key);
  std::array<char, 24> digits{};
  const char* end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), static_cast<std::size_t>(end - digits.data()));
}

void append_peer(std::string& out, const Peer& peer) {
  out += R"(,"peer":{)";
  switch (peer.kind) {
    case Peer::Kind::kInet4:
    case Peer::Kind::kInet6:
      append_member(out, "address", zoned_address_text(peer));
      append_member(out, "port", peer.port);
      break;
    case Peer::Kind::kUnix:
      if (peer.pid != 0) append_member(out, "pid", peer.pid);
      append_member(out, "uid", peer.uid);
      append_member(out, "gid", peer.gid);
      if (!command_of(peer).empty()) append_member(out, "command", command_of(peer));
      break;
    case Peer::Kind::kNone: break;
  }
  out += '}';
}

}  // namespace

std::string_view JsonHead::of(const Segment& segment) {
  if (text_.empty() || segment.origin != origin_ || segment.peer != peer_) {
    render(segment);
  } else if (segment.time_ns != time_ns_) {
    write_utc(segment.time_ns, text_.data() + kTimeKey.size());
  }
  time_ns_ = segment.time_ns;
  return text_;
}

void JsonHead::render(const Segment& segment) {
  origin_ = segment.origin;
  peer_ = segment.peer;
  text_ = kTimeKey;
  text_.resize(text_.size() + kUtcTextBytes);
  write_utc(segment.time_ns, text_.data() + kTimeKey.size());
  text_ += '"';
  append_member(text_, "listener", origin_->listener);
  append_member(text_, "url", origin_->url);
  append_peer(text_, peer_);
  text_ += R"(,"flags":[)";
}

}  // namespace penstock
