#include "protocols/core/problem.h"

namespace penstock {

std::string to_string(const Problem& problem) {
  if (!problem) return {};
  if (problem.at == Problem::kNowhere) return problem.why;
  return "at byte " + std::to_string(problem.at) + ": " + problem.why;
}

}  // namespace penstock
