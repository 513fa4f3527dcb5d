#pragma once

#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "protocols/core/problem.h"

namespace penstock::collectd {

/// Lookup by a view.
struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const noexcept {
    return std::hash<std::string_view>{}(text);
  }
};
template <class T>
using ByName = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

/// What datagrams do not say themselves.
struct Tables {
  ByName<std::vector<std::string>> types;  ///< of each type the names of its data sources
  ByName<std::string> users;               ///< of each user the password
};

/// A mistake in a file: its line, from 1, and what is wrong.
struct FileProblem {
  std::size_t line = 0;
  Problem problem;
};

/// types.db(5): `load  shortterm:GAUGE:0:5000, midterm:GAUGE:0:5000`, a type a line, its sources parted by blanks,
/// commas or both, comments behind `#`. Adds to `tables`; the
/// last of two types of one name counts.
FileProblem parse_types_db(std::string_view text, Tables& tables);

/// `user: password`, one a line, as collectd's AuthFile has them; blanks around both are taken off, empty lines and those
/// that begin with `#` passed over.
FileProblem parse_auth_file(std::string_view text, Tables& tables);

}  // namespace penstock::collectd
