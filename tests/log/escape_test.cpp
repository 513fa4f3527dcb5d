#include "server/log/escape.h"

#include <rapidjson/document.h>

#include <catch2/catch.hpp>
#include <string>

#include "server/log/log.h"

using namespace penstock::log;

namespace {

std::string plain(std::string_view text) {
  std::string line;
  append_plain(line, text);
  return line;
}

std::string value(std::string_view text) {
  std::string line;
  append_value(line, text);
  return line;
}

std::string json(std::string_view text) {
  std::string line;
  append_json_string(line, text);
  return line;
}

/// Strict parse; the value that a reader of the log gets.
std::string parsed(const std::string& text) {
  rapidjson::Document document;
  document.Parse<rapidjson::kParseValidateEncodingFlag>(text.data(), text.size());
  if (document.HasParseError() || !document.IsString()) return "NOT JSON: " + text;
  return {document.GetString(), document.GetStringLength()};
}

bool safe_for_terminals(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) return false;
  }
  return text.find("\xC2\x9B") == std::string_view::npos;
}

}  // namespace

TEST_CASE("a value is quoted only where it must be", "[log]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"syslog", "syslog"},
      {"tcp://[::]:5514", "tcp://[::]:5514"},
      {"unix:///run/x.sock", "unix:///run/x.sock"},
      {"Größe", "Größe"},
      {"日本語", "日本語"},
      {R"(C:\log)", R"(C:\log)"},
      {"", R"("")"},
      {"two words", R"("two words")"},
      {"a=b", R"("a=b")"},
      {R"(say "hi")", R"("say \"hi\"")"},
      {R"(a \ b)", R"("a \\ b")"},
      {"line\nbreak\r\t", R"("line\nbreak\r\t")"},
      {std::string("nul\0byte", 8), R"("nul\x00byte")"},
      {"\x1b[31mred", R"("\x1b[31mred")"},
      {"\x7f", R"("\x7f")"},
      {"\xff\xfe", R"("\xff\xfe")"},
      {"\xc2\x9b"
       "31m",
       R"("\xc2\x9b31m")"},
      {"\xe2\x80\xae"
       "evil",
       R"("\xe2\x80\xaeevil")"},
      {"\xe2\x80\xa8", R"("\xe2\x80\xa8")"},
  }));
  CAPTURE(text);
  CHECK(value(text) == expected);
}

TEST_CASE("what is not UTF-8 is escaped byte by byte, and the text behind it is kept", "[log]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"\xc0\xaf"
       "a",
       R"(\xc0\xafa)"},                             // overlong
      {"\xe0\x80\xaf", R"(\xe0\x80\xaf)"},          // overlong
      {"\xf0\x80\x80\xaf", R"(\xf0\x80\x80\xaf)"},  // overlong
      {"\xed\xa0\x80", R"(\xed\xa0\x80)"},          // surrogate
      {"\xf4\x90\x80\x80", R"(\xf4\x90\x80\x80)"},  // over U+10FFFF
      {"\xf5\x80\x80\x80", R"(\xf5\x80\x80\x80)"},
      {"\x80", R"(\x80)"},
      {"\xe2\x82", R"(\xe2\x82)"},  // cut
      {"\xe2"
       "ab",
       R"(\xe2ab)"},
      {"\xc3\xc3\xb6", "\\xc3\xc3\xb6"},
      {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},  // U+10FFFF is one
      {"\xed\x9f\xbf", "\xed\x9f\xbf"},
  }));
  CAPTURE(text);
  CHECK(plain(text) == expected);
}

TEST_CASE("a message keeps its quotes and backslashes", "[log]") {
  CHECK(plain(R"(listener "syslog": \ )") == R"(listener "syslog": \ )");
  CHECK(plain("two\nlines") == R"(two\nlines)");
}

TEST_CASE("a JSON string is valid for every pair of bytes and gives valid UTF-8 back",
          "[log][json]") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      const std::string line = json(text);
      if (parsed(line).starts_with("NOT JSON") || !safe_for_terminals(line) ||
          !safe_for_terminals(value(text)) || !safe_for_terminals(plain(text)) ||
          !safe_for_terminals(escaped(text))) {
        CAPTURE(first, second, line);
        FAIL();
      }
    }
  }
}

TEST_CASE("JSON gives text back unchanged and shows bytes that are no text", "[log][json]") {
  const auto text = GENERATE(as<std::string>{}, "plain", "quote \" backslash \\ slash /",
                             "\n\r\t\b\f\x01\x1f\x7f", "Größe 日本語 \xf0\x9f\x98\x80", "\xc2\x9b",
                             "\xe2\x80\xa8\xe2\x80\xae", std::string("a\0b", 3), "");
  CHECK(parsed(json(text)) == text);
  CHECK(json("\xff") == R"("\\xff")");
  CHECK(parsed(json("\xff")) == R"(\xff)");
  CHECK(json("\x1b") == R"("\u001b")");
}

TEST_CASE("a number is one by the JSON grammar", "[log][json]") {
  for (const char* text : {"0", "-0", "7", "-12", "1.5", "0.000000", "1e9", "1E+9", "2.5e-3",
                           "18446744073709551615"}) {
    CAPTURE(text);
    CHECK(is_json_number(text));
  }
  for (const char* text : {"", "-", "nan", "inf", "-inf", "007", "1,5", "1.", ".5", "1e", "1e+",
                           "+1", "0x1", " 1", "1 ", "1\n"}) {
    CAPTURE(text);
    CHECK_FALSE(is_json_number(text));
  }
}

TEST_CASE("escaped text is cut between whole characters and escapes", "[log]") {
  CHECK(escaped("a\"b\\c\n\x01\xff") == R"(a\"b\\c\n\x01\xff)");
  CHECK(escaped("hello", 5) == "hello");
  CHECK(escaped("hello", 4) == "hell");
  CHECK(escaped("ab\x01", 5) == "ab");
  CHECK(escaped("ab\x01", 6) == R"(ab\x01)");
  CHECK(escaped("a\xc3\xb6", 2) == "a");
  CHECK(escaped("abc", 0).empty());
  CHECK(escaped(std::string(100'000, 'x')).size() == 256);
}
