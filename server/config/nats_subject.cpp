#include "server/config/nats_subject.h"

#include <algorithm>

namespace penstock::config {

std::string nats_wildcard(const std::vector<PathPart>& parts) {
  constexpr char kValue = '\0';
  std::string form;
  for (const PathPart& part : parts) {
    if (part.kind == PathPart::Kind::kLiteral)
      form += part.text;
    else
      form += kValue;
  }
  std::string wildcard;
  for (std::size_t begin = 0; begin <= form.size();) {
    const std::size_t end = std::min(form.find('.', begin), form.size());
    const std::string token = form.substr(begin, end - begin);
    if (begin != 0) wildcard += '.';
    wildcard += token.find(kValue) == std::string::npos ? token : "*";
    begin = end + 1;
  }
  return wildcard;
}

}  // namespace penstock::config
