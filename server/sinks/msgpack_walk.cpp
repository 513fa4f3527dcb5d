#include "server/sinks/msgpack_walk.h"

#include <algorithm>

#include "protocols/msgpack/token.h"

namespace penstock {

bool MsgpackWalk::take(std::string_view bytes) {
  std::string joined;
  if (!head_.empty()) {
    joined = std::move(head_);
    joined += bytes;
    bytes = joined;
    head_.clear();
  }
  while (!bytes.empty()) {
    const std::size_t before = bytes.size();
    if (!pass(bytes)) return false;
    if (bytes.size() == before) break;
    at_ += static_cast<std::int64_t>(before - bytes.size());
    if (values_ == 0 && payload_ == 0) whole_ = at_;
  }
  head_ = bytes;
  return true;
}

/// One token or what there is of a payload; passes nothing where a token is not whole. False: this is no record.
bool MsgpackWalk::pass(std::string_view& bytes) {
  if (payload_ != 0) {
    const std::size_t there = std::min<std::uint64_t>(payload_, bytes.size());
    payload_ -= there;
    bytes.remove_prefix(there);
    return true;
  }
  msgpack::Token token;
  const msgpack::TokenStatus found = msgpack::read_token(bytes, token);
  if (found == msgpack::TokenStatus::kNeedMore) return true;
  if (found == msgpack::TokenStatus::kIllegal) return false;
  if (values_ == 0) {
    if (token.kind != msgpack::Kind::kMap) return false;
    values_ = 1;
  }
  --values_;
  if (token.is_container())
    values_ += std::uint64_t{token.size} * (token.kind == msgpack::Kind::kMap ? 2 : 1);
  if (token.has_payload()) payload_ = token.size;
  bytes.remove_prefix(token.head_bytes);
  return true;
}

}  // namespace penstock
