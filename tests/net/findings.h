#pragma once

#include <catch2/catch.hpp>
#include <sstream>
#include <string>

namespace penstock::test {

/// Collects what went wrong in a child, where Catch cannot see it.
class Findings {
 public:
  template <class A, class B>
  void equal(const char* what, const A& got, const B& wanted) {
    if (!(got == wanted)) text_ << what << ": got " << +got << ", wanted " << +wanted << "; ";
  }
  void check(const char* what, bool held) {
    if (!held) text_ << what << " did not hold; ";
  }
  std::string text() const { return text_.str(); }

 private:
  std::ostringstream text_;
};

/// False: `outcome` of a child says that this machine cannot run it, which is said aloud.
inline bool ran(const std::string& outcome) {
  if (!outcome.starts_with("SKIP")) return true;
  WARN(outcome);
  return false;
}

}  // namespace penstock::test
