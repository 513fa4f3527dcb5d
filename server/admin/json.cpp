#include "server/admin/json.h"

namespace penstock::admin {

std::string with_replacements(std::string_view text) {
  std::string valid;
  while (!text.empty()) {
    const std::size_t good = valid_utf8_prefix(text);
    valid += text.substr(0, good);
    text.remove_prefix(good);
    if (text.empty()) break;
    valid += kReplacementCharacter;
    text.remove_prefix(invalid_utf8_length(text));
  }
  return valid;
}

}  // namespace penstock::admin
