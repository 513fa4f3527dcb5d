#include "server/net/first_bytes.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>

using namespace penstock;
using namespace std::string_literals;

namespace {

std::string named(const std::string& first, StreamForm expected) {
  return std::string(first_bytes_hint(first, expected).what);
}

}  // namespace

TEST_CASE("first bytes of other protocols are named, those of lines are not",
          "[net][first_bytes]") {
  const auto [first, hint] = GENERATE(table<std::string, std::string>({
      {"GET / HTTP/1.1\r\n", "an HTTP request"},
      {"PRI * HTTP/2.0\r\n", "an HTTP request"},
      {"\x16\x03\x01\x02\x00\x01"s, "a TLS hello"},
      {"PROXY TCP4 1.2.3.", "a PROXY header"},
      {"\r\n\r\n\0\r\nQUIT\n\x21"s, "a PROXY header"},
      {"12 <13>hello", "octet-counted frames"},
      {"\x1f\x8b\x08\0"s, "gzip data"},
      {"x\x9c\xcbH", "zlib data"},
      {"\x28\xb5\x2f\xfd\x04", "zstd data"},
      {"\xff\xfeh\0"s, "UTF-16 text"},
      {"h\0e\0l\0l\0"s, "UTF-16 text"},
      {"\0h\0e\0l\0l"s, "UTF-16 text"},
      {"2W\0\0\0\x0a"s, "a Beats or Lumberjack window"},
      {"\x93\xa3tag", "a Fluentd forward message"},
      {"1 open 85 relp_version=0", "a RELP offer"},
      {"1 opening", ""},
      {"\0\0\0\x05hello"s, "a binary length"},
      {"{\"a\":1}\0{"s, "NUL-terminated text"},
      {"", ""},
      {"1", ""},
      {"12 hello", ""},
      {"012 <13>hello", ""},
      {"2024-01-01 <13>", ""},
      {"123456789 <13>", ""},
      {"<13>hello", ""},
      {"{\"a\":1}", ""},
      {"x = 1", ""},
      {"2Way", ""},
      {"GETTING started", ""},
      {"\0\0\0"s, ""},
      {"h\xc3\xa9llo", ""},
  }));
  CAPTURE(first);
  CHECK(named(first, StreamForm::kLines) == hint);
}

TEST_CASE("what a listener expects is right there, and what it does not is named",
          "[net][first_bytes]") {
  using Form = StreamForm;
  const auto [form, first, hint] = GENERATE(table<Form, std::string, std::string>({
      {Form::kCounts, "12 <13>hello", ""},
      {Form::kText, "12 <13>hello", ""},
      {Form::kCounts, "<13>hello", "a syslog message without a count"},
      {Form::kText, "{\"a\":1}\0"s, ""},
      {Form::kJson, "{\"a\":1}", ""},
      {Form::kJson, "<134>Jan  1", "a syslog message without a count"},
      {Form::kJson, "12 <13>hello", "octet-counted frames"},
      {Form::kLength, "\0\0\0\x05hello"s, ""},
      {Form::kLength, "\x05hello", ""},
      {Form::kLength, "<134>Jan  1", "a syslog message"},
      {Form::kLength, "<a href", ""},
      {Form::kLength, "12 <13>hello", "octet-counted frames"},
      {Form::kLength, "{\"a\":1}", "JSON"},
      {Form::kLength, "hello penstock", "text"},
      {Form::kLength, "short", ""},
      {Form::kLength, "\x1f\x8b\x08\0"s, "gzip data"},
      {Form::kLength, "x\x9c\xcbH", ""},  // may be a length
      {Form::kAny, "12 <13>hello", ""},
      {Form::kAny, "\x1f\x8b\x08\0"s, ""},
      {Form::kAny, "GET / HTTP/1.1\r\n", "an HTTP request"},
  }));
  CAPTURE(first);
  CHECK(named(first, form) == hint);
}

TEST_CASE("a setting that would fit is named where there is one", "[net][first_bytes]") {
  CHECK(first_bytes_hint("{\"a\":1}", StreamForm::kLength).setting == "framing = \"json\"");
  CHECK(first_bytes_hint("GET / HTTP/1.1\r\n", StreamForm::kLength).setting.empty());
  CHECK(first_bytes_hint("2W\0\0\0\x0a"s, StreamForm::kLines).setting ==
        "protocol = \"lumberjack\"");
  CHECK(first_bytes_hint("\x93\xa3tag", StreamForm::kText).setting == "protocol = \"forward\"");
  CHECK(first_bytes_hint("1 open 85 relp", StreamForm::kLines).setting == "protocol = \"relp\"");
}
