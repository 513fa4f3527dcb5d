#include "server/config/problem.h"

namespace penstock::config {

std::string to_string(const std::string& file, const Problem& problem) {
  std::string out = file + ':';
  if (problem.place.line != 0) {
    out += std::to_string(problem.place.line) + ':' + std::to_string(problem.place.column) + ':';
  }
  return out + (problem.warning ? " warning: " : " ") + problem.text;
}

}  // namespace penstock::config
