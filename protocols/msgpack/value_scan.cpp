#include "protocols/msgpack/value_scan.h"

namespace penstock::msgpack {
namespace {

bool may_be_key(Kind kind) noexcept {
  return kind != Kind::kArray && kind != Kind::kMap && kind != Kind::kExt;
}

}  // namespace

/// One token, its payload and what it closes. kWhole: the scan goes on.
[[gnu::always_inline]] inline ValueScan::Status ValueScan::take(const Token& token) noexcept {
  if (is_key() && !may_be_key(token.kind))
    return illegal("a map's key is an array, a map or an extension");
  if (depth_ == 1 && children_ < kMostChildren) child_at_[children_++] = at_;
  began_ = true;
  const std::size_t room = limits_.max_bytes - at_;  // at_ is never behind max_bytes
  if (token.head_bytes > room) return Status::kTooLong;
  const std::size_t behind = room - token.head_bytes;
  if (token.is_container() && token.size != 0) {
    const std::uint64_t values =
        token.kind == Kind::kMap ? std::uint64_t{token.size} * 2 : std::uint64_t{token.size};
    if (values > behind) return Status::kTooLong;
    if (depth_ == limits_.max_depth) return illegal("nested too deeply");
    if (depth_ != 0) --levels_[depth_ - 1].left;
    levels_[depth_++] = {values, token.kind == Kind::kMap};
    at_ += token.head_bytes;
    return Status::kWhole;
  }
  const std::size_t payload = token.has_payload() ? token.size : 0;
  if (payload > behind) return Status::kTooLong;
  at_ += token.head_bytes + payload;
  if (depth_ != 0) --levels_[depth_ - 1].left;
  while (depth_ != 0 && levels_[depth_ - 1].left == 0) --depth_;
  return Status::kWhole;
}

ValueScan::Status ValueScan::run(std::string_view input) noexcept {
  while (!began_ || depth_ != 0) {
    if (at_ >= input.size()) return Status::kNeedMore;
    Token token;
    const TokenStatus found = read_token({input.data() + at_, input.size() - at_}, token);
    if (found != TokenStatus::kToken) [[unlikely]]
      return found == TokenStatus::kNeedMore
                 ? Status::kNeedMore
                 : illegal("the byte c1, which MessagePack does not have");
    if (const Status status = take(token); status != Status::kWhole) [[unlikely]]
      return status;
  }
  return at_ <= input.size() ? Status::kWhole : Status::kNeedMore;
}

}  // namespace penstock::msgpack
