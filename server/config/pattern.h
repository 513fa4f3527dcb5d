#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::config {

/// A set of texts as a small automaton: pieces are appended one after the other. Used to find out whether two path
/// templates can give the same path.
class Pattern {
 public:
  using Bytes = std::bitset<256>;

  void literal(std::string_view text);
  void any_of(const std::vector<std::string>& texts);  ///< one of them; of none: no text at all
  void one(const Bytes& bytes);
  void some(const Bytes& bytes);  ///< one or more

  /// `a-z` style sets: pairs of first and last byte.
  static Bytes range(std::string_view pairs);

  /// True when some text is in both.
  friend bool can_meet(const Pattern& a, const Pattern& b);

 private:
  struct Edge {
    Bytes bytes;
    std::uint32_t to;
  };
  std::uint32_t add_state();
  void add_edge(std::uint32_t from, const Bytes& bytes, std::uint32_t to) {
    edges_[from].push_back({bytes, to});
  }
  void add_chain(std::string_view text, std::uint32_t to);

  std::vector<std::vector<Edge>> edges_{1};  // by state; 0 is the start
  std::uint32_t end_ = 0;                    // the state after all that was appended
};

}  // namespace penstock::config
