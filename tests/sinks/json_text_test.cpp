#include "server/sinks/json_text.h"

#include <catch2/catch.hpp>

#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "tests/support/utf8.h"

using namespace penstock;

namespace {

struct Written {
  std::string text;
  bool utf8 = true;
};

// Into exactly the room that is asked for: a sanitizer sees a byte more.
Written written(const std::string& text) {
  const JsonTextSize size = json_text_size(text);
  CHECK(size.bytes <= most_json_text_bytes(text.size()));
  const auto room = std::make_unique<char[]>(size.bytes + kJsonTextSlack);
  const auto from = std::make_unique<char[]>(text.size());  // nothing to read behind it either
  text.copy(from.get(), text.size());
  const JsonTextEnd end = write_json_text({from.get(), text.size()}, room.get());
  CHECK(end.end == room.get() + size.bytes);
  CHECK(end.utf8 == size.utf8);
  return {{room.get(), end.end}, end.utf8};
}

std::string escaped(char c) {
  switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\b': return "\\b";
    case '\t': return "\\t";
    case '\n': return "\\n";
    case '\f': return "\\f";
    case '\r': return "\\r";
    default: break;
  }
  if (static_cast<unsigned char>(c) >= 0x20) return {c};
  char text[8];
  std::snprintf(text, sizeof text, "\\u%04x", static_cast<unsigned>(c));
  return text;
}

Written by_definition(const std::string& text) {
  Written out;
  for (const test::Utf8Piece& piece : test::utf8_pieces(text)) {
    out.utf8 = out.utf8 && piece.valid;
    if (!piece.valid) {
      out.text += "\xef\xbf\xbd";
    } else if (piece.bytes.size() == 1) {
      out.text += escaped(piece.bytes[0]);
    } else {
      out.text += piece.bytes;
    }
  }
  return out;
}

void check(const std::string& text) {
  const Written got = written(text), expected = by_definition(text);
  REQUIRE(got.text == expected.text);
  REQUIRE(got.utf8 == expected.utf8);
}

}  // namespace

TEST_CASE("JSON text: examples", "[sinks][json]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"plain", "plain"},
      {"say \"hi\" \\o/", "say \\\"hi\\\" \\\\o/"},
      {"\b\t\n\f\r", "\\b\\t\\n\\f\\r"},
      {std::string("\0\x01\x1b\x1f\x7f", 5), "\\u0000\\u0001\\u001b\\u001f\x7f"},
      {"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80", "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
      {"\xe2\x80\xa8", "\xe2\x80\xa8"},  // U+2028 may stand in a JSON string
      {"caf\xe9", "caf\xef\xbf\xbd"},
      {"\"\xff\n", "\\\"\xef\xbf\xbd\\n"},
  }));
  CHECK(written(text).text == expected);
}

TEST_CASE("JSON text: every byte at every place of texts up to 40 bytes", "[sinks][json]") {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (const int byte :
           {0x00, 0x0a, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x5b, 0x5c, 0x5d, 0x7f, 0x80, 0xff}) {
        std::string text(size, 'a');
        text[at] = static_cast<char>(byte);
        check(text);
      }
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    check(std::string(1, static_cast<char>(byte)));
    check(std::string(33, static_cast<char>(byte)));
  }
}

TEST_CASE("JSON text: each way to be no UTF-8, at every distance from the ends", "[sinks][json]") {
  for (const std::string& invalid : test::kInvalidUtf8) {
    CAPTURE(invalid);
    for (std::size_t front = 0; front <= 40; ++front) {
      for (const std::size_t behind : {0, 1, 2, 3, 15, 16, 17}) {
        const std::string text = std::string(front, 'a') + invalid + std::string(behind, 'b');
        CHECK_FALSE(written(text).utf8);
        check(text);
      }
      check("\xe2\x82\xac" + std::string(front, '"') + invalid + "\xc3\xa9\n" + invalid);
    }
  }
}

TEST_CASE("JSON text: characters of all lengths across every border of sixteen", "[sinks][json]") {
  for (const std::string character : {"\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
    for (std::size_t front = 0; front <= 40; ++front) {
      const std::string text = std::string(front, 'a') + character + "\"" + character;
      CHECK(written(text).utf8);
      check(text);
    }
  }
}

TEST_CASE("JSON text: random bytes", "[sinks][json]") {
  std::mt19937 random(1);
  const std::vector<std::string> parts = {"a",
                                          "0123456789abcdef",
                                          "\"",
                                          "\\",
                                          "\n",
                                          "\xc3\xa9",
                                          "\xe2\x82\xac",
                                          "\xf0\x9f\x98\x80",
                                          "\xe2",
                                          "\x80",
                                          "\xff",
                                          "\x01"};
  for (int round = 0; round < 5000; ++round) {
    std::string text;
    for (auto left = random() % 40; left > 0; --left) {
      if (random() % 4 == 0) {
        text += static_cast<char>(random());
      } else {
        text += parts[random() % parts.size()];
      }
    }
    check(text);
  }
}
