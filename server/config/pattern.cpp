#include "server/config/pattern.h"

#include <unordered_set>
#include <utility>

namespace penstock::config {
namespace {

Pattern::Bytes single(char c) {
  Pattern::Bytes bytes;
  bytes.set(static_cast<unsigned char>(c));
  return bytes;
}

}  // namespace

std::uint32_t Pattern::add_state() {
  edges_.emplace_back();
  return static_cast<std::uint32_t>(edges_.size() - 1);
}

// From the end to `to`, without moving the end; `text` is not empty.
void Pattern::add_chain(std::string_view text, std::uint32_t to) {
  std::uint32_t from = end_;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint32_t next = i + 1 == text.size() ? to : add_state();
    add_edge(from, single(text[i]), next);
    from = next;
  }
}

void Pattern::literal(std::string_view text) {
  for (const char c : text) one(single(c));
}

void Pattern::one(const Bytes& bytes) {
  const auto to = add_state();
  add_edge(end_, bytes, to);
  end_ = to;
}

void Pattern::some(const Bytes& bytes) {
  one(bytes);
  add_edge(end_, bytes, end_);
}

void Pattern::any_of(const std::vector<std::string>& texts) {
  const auto to = add_state();
  for (const auto& text : texts) add_chain(text, to);
  end_ = to;
}

Pattern::Bytes Pattern::range(std::string_view pairs) {
  Bytes bytes;
  for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
    for (int c = static_cast<unsigned char>(pairs[i]);
         c <= static_cast<unsigned char>(pairs[i + 1]); ++c) {
      bytes.set(static_cast<std::size_t>(c));
    }
  }
  return bytes;
}

// Walks both automata together over all pairs of states that one text reaches.
bool can_meet(const Pattern& a, const Pattern& b) {
  std::vector<std::pair<std::uint32_t, std::uint32_t>> open = {{0, 0}};
  std::unordered_set<std::uint64_t> seen = {0};
  while (!open.empty()) {
    const auto [in_a, in_b] = open.back();
    open.pop_back();
    if (in_a == a.end_ && in_b == b.end_) return true;
    for (const auto& from_a : a.edges_[in_a]) {
      for (const auto& from_b : b.edges_[in_b]) {
        if ((from_a.bytes & from_b.bytes).none()) continue;
        const auto key = (std::uint64_t{from_a.to} << 32) | from_b.to;
        if (seen.insert(key).second) open.emplace_back(from_a.to, from_b.to);
      }
    }
  }
  return false;
}

}  // namespace penstock::config
