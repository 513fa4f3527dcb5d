#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace penstock::test {

/// A `key = value` line of a documented config file, live or commented out as `#key = value`.
struct DocumentedKey {
  std::string table;  ///< `server`, `listener`, ...: of the header above it
  std::string key;
  bool live = false;
  std::string comment;               ///< the comment lines right above it, joined by blanks
  std::vector<std::string> meaning;  ///< those of them that stand before `Values: `, each as it is
  std::string line;                  ///< `key = value`
};

std::string file_text(const std::string& path);

/// All of them, in file order.
std::vector<DocumentedKey> documented_keys(std::string_view text);

/// The text with `#key = value` made `key = value`, but for the keys in `examples`.
std::string with_comments_removed(std::string_view text, const std::vector<std::string>& examples);

}  // namespace penstock::test
