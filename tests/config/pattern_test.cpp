#include "server/config/pattern.h"

#include <catch2/catch.hpp>

using penstock::config::Pattern;

namespace {

Pattern text(const std::string& literal) {
  Pattern pattern;
  pattern.literal(literal);
  return pattern;
}

// `before`, one or more digits, `after`.
Pattern numbered(const std::string& before, const std::string& after) {
  Pattern pattern;
  pattern.literal(before);
  pattern.some(Pattern::range("09"));
  pattern.literal(after);
  return pattern;
}

}  // namespace

TEST_CASE("literal texts meet when they are equal", "[config]") {
  CHECK(can_meet(text(""), text("")));
  CHECK(can_meet(text("a/b"), text("a/b")));
  CHECK_FALSE(can_meet(text("a/b"), text("a/c")));
  CHECK_FALSE(can_meet(text("a"), text("ab")));
  CHECK_FALSE(can_meet(text(""), text("a")));
}

TEST_CASE("one or more of a set", "[config]") {
  CHECK(can_meet(numbered("a", "b"), text("a7b")));
  CHECK(can_meet(numbered("a", "b"), text("a77777b")));
  CHECK_FALSE(can_meet(numbered("a", "b"), text("ab")));
  CHECK_FALSE(can_meet(numbered("a", "b"), text("a7xb")));
  CHECK(can_meet(numbered("1", "2"), numbered("12", "2")));
  CHECK(can_meet(numbered("", "1"), numbered("1", "")));
  CHECK_FALSE(can_meet(numbered("", "x"), numbered("", "y")));
}

TEST_CASE("alternatives", "[config]") {
  const auto either = [](const std::vector<std::string>& words) {
    Pattern pattern;
    pattern.literal("<");
    pattern.any_of(words);
    pattern.literal(">");
    return pattern;
  };
  CHECK(can_meet(either({"a", "bc"}), text("<bc>")));
  CHECK_FALSE(can_meet(either({"a", "bc"}), text("<abc>")));
  CHECK(can_meet(either({"a", "b"}), either({"b", "c"})));
  CHECK_FALSE(can_meet(either({"a", "b"}), either({"c", "d"})));
  CHECK_FALSE(can_meet(either({}), either({})));
}

TEST_CASE("fixed numbers of characters", "[config]") {
  const auto digits = [](int n) {
    Pattern pattern;
    for (int i = 0; i < n; ++i) pattern.one(Pattern::range("09"));
    return pattern;
  };
  CHECK(can_meet(digits(4), text("2026")));
  CHECK_FALSE(can_meet(digits(4), text("202")));
  CHECK_FALSE(can_meet(digits(4), digits(2)));
  CHECK(can_meet(digits(4), numbered("20", "")));
}
