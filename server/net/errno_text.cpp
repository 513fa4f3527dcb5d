#include "server/net/errno_text.h"

#include <cctype>
#include <cstring>

namespace penstock {

std::string errno_text(int code) {
  const char* words = strerrordesc_np(code);
  std::string text = words != nullptr ? words : "error " + std::to_string(code);
  text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

}  // namespace penstock
