#include "protocols/core/errno_text.h"

#include <cctype>
#include <cstdlib>
#include <system_error>

namespace penstock {

std::string errno_text(int code) {
  std::string text = std::generic_category().message(std::abs(code));
  // "Permission denied" becomes lower case, an abbreviation such as "RFS" does not.
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

}  // namespace penstock
