#include "server/sinks/nats/nats_subject.h"

#include <catch2/catch.hpp>
#include <string>

#include "server/config/nats_subject.h"

using namespace penstock;

TEST_CASE("a value is one part of a subject, whatever bytes it has", "[nats]") {
  std::string value, part;
  std::tie(value, part) = GENERATE(table<std::string, std::string>({
      {"web1", "web1"},
      {"web.example.com", "web_example_com"},
      {"a b\tc\r\nd", "a_b_c__d"},
      {"*", "_"},
      {">", "_"},
      {"$JS.API", "_JS_API"},
      {"", "_"},
      {std::string("\0\x7f", 2), "__"},
      {"caf\xc3\xa9-1:2/3", "caf\xc3\xa9-1:2/3"},
  }));
  CAPTURE(value);
  std::string text = "logs. " + value;
  make_subject_part(text, 6);
  CHECK(text == "logs. " + part);
}

TEST_CASE("a subject that is too long is cut, and not behind a dot", "[nats]") {
  std::string subject(kMostSubjectBytes, 'x');
  limit_subject(subject);
  CHECK(subject.size() == kMostSubjectBytes);
  subject[kMostSubjectBytes - 1] = '.';
  subject += "yyy";
  limit_subject(subject);
  CHECK(subject == std::string(kMostSubjectBytes - 1, 'x'));
}

TEST_CASE("a header's value is one line", "[nats]") {
  std::string value = "uid=0\r\nNats-Rollup: all\tx";
  make_header_line(value);
  CHECK(value == "uid=0  Nats-Rollup: all x");
}

TEST_CASE("the wildcard of a subject's template", "[nats]") {
  std::string subject, wildcard;
  std::tie(subject, wildcard) = GENERATE(table<std::string, std::string>({
      {"logs", "logs"},
      {"logs.all", "logs.all"},
      {"logs.{listener}", "logs.*"},
      {"logs.{listener}-{scheme}.%Y.x", "logs.*.*.x"},
      {"host-{field:host}.logs", "*.logs"},
      {"{peer}", "*"},
  }));
  CAPTURE(subject);
  const auto parts = config::parse_record_template(subject);
  REQUIRE(parts.has_value());
  CHECK(config::nats_wildcard(*parts) == wildcard);
}
