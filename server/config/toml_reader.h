#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "server/config/problem.h"

/// TOML as a plain tree in file order. toml++ stays behind this header.
namespace penstock::config {

struct Entry;

/// One value of the file. Only the member that `type` names is set.
struct Node {
  enum class Type : std::uint8_t { kFlag, kInteger, kFloat, kString, kList, kTable, kDate };

  Type type = Type::kTable;
  Place place;  ///< first character of the value, or of the header of a table
  Place end;    ///< behind the value's last character
  bool flag = false;
  bool octal = false;  ///< an integer that was written as 0o...
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<Node> items;     ///< of a list
  std::vector<Entry> entries;  ///< of a table, in file order
};

/// `key = value`; keys of one table are unique.
struct Entry {
  std::string key;
  Place place;
  Node value;
};

/// Parses TOML 1.0. toml++ stops at the first error: that is the Problem. Lines over 16 KiB are refused and what lies
/// deeper than 16 tables is left out, so that no input can exhaust the stack. Never throws.
tl::expected<Node, Problem> parse_toml(std::string_view text);

/// What a value is, for `got ...`: strings quoted, `30`, `true`, `a list`, `a table`, `a date`.
std::string shown(const Node& node);

}  // namespace penstock::config
