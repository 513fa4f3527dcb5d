#include "protocols/framing/json.h"

#include "tests/protocols/framing/split.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::string_literals;
using Strings = std::vector<std::string>;

namespace {

constexpr std::size_t kMax = 32;

// Poison that would end any value, if it were looked at again.
Framed cut_anywhere(const std::string& bytes, std::size_t max = kMax) {
  const Framed got = split_test(JsonFramer(max), bytes, '}');
  CHECK(split_test(JsonFramer(max), bytes, '"') == got);
  CHECK(split_test(JsonFramer(max), bytes, '\n') == got);
  return got;
}

}  // namespace

TEST_CASE("json: frames of a table of inputs, cut anywhere", "[framing][json]") {
  const auto row = GENERATE(values<FramingRow>({
      {"", {}, 0, 0, ""},
      {" \t\r\n\x1e", {}, 5, 0, ""},
      {R"({"a":1})", {R"({"a":1})"}, 0, 0, ""},
      {"{}{}[][{}]", {"{}", "{}", "[]", "[{}]"}, 0, 0, ""},
      {"{}\n{}\r\n\n [] \x1e[1]\n", {"{}", "{}", "[]", "[1]"}, 8, 0, ""},
      {"{\n  \"a\": [\n 1\n]\n}\n{}", {"{\n  \"a\": [\n 1\n]\n}", "{}"}, 1, 0, ""},
      // what strings hold is no structure
      {R"({"a":"}]{["}{})", {R"({"a":"}]{["})", "{}"}, 0, 0, ""},
      {R"({"a":"\"}"}{})", {R"({"a":"\"}"})", "{}"}, 0, 0, ""},
      {R"({"a":"\\"}{})", {R"({"a":"\\"})", "{}"}, 0, 0, ""},
      {R"({"\\\"":"\\\\"}{})", {R"({"\\\"":"\\\\"})", "{}"}, 0, 0, ""},
      // scalars: in the stream's middle something ends them, at its end nothing has yet
      {"1 2\n3", {"1", "2"}, 2, 0, "3"},
      {"true false\tnull\r-1.5e+3\x1e"
       "0 ",
       {"true", "false", "null", "-1.5e+3", "0"},
       5,
       0,
       ""},
      {R"(1"a"2{}3[4]5"b" )", {"1", R"("a")", "2", "{}", "3", "[4]", "5", R"("b")"}, 1, 0, ""},
      {R"("a""b" "}")", {R"("a")", R"("b")", R"("}")"}, 1, 0, ""},
      {"1\0"s
       "2\n",
       {"1",
        "!\0"
        "2"s},
       1,
       0,
       ""},
      // a byte order mark in front, and only there
      {"\xef\xbb\xbf{}", {"{}"}, 3, 0, ""},
      {"\xef\xbb\xbf 1 ", {"1"}, 5, 0, ""},
      {"\xef\xbb", {}, 0, 0, "\xef\xbb"},
      {"\xef\xbb"
       "x\n{}",
       {"!\xef\xbb"
        "x",
        "{}"},
       1,
       0,
       ""},
      {"{}\xef\xbb\xbf{}\n{}", {"{}", "!\xef\xbb\xbf{}", "{}"}, 1, 0, ""},
      // unfinished
      {R"({"a":)", {}, 0, 0, R"({"a":)"},
      {R"("a)", {}, 0, 0, R"("a)"},
      {R"("a\)", {}, 0, 0, R"("a\)"},
      // brackets of both kinds count alike: whether they fit is the parser's business
      {"[}{]", {"[}", "{]"}, 0, 0, ""},
  }));
  check_row(cut_anywhere(row.bytes), row);
}

TEST_CASE("json: where a value can have no end, reading goes on, cut anywhere", "[framing][json]") {
  const auto row = GENERATE(values<FramingRow>({
      // no value begins so: the line is lost
      {"hello {}\n{}", {"!hello {}", "{}"}, 1, 0, ""},
      {"}\n{}", {"!}", "{}"}, 1, 0, ""},
      {"{},{}\n{}", {"{}", "!,{}", "{}"}, 1, 0, ""},
      {"GET / HTTP/1.1\r\nA: b\r\n\r\n", {"!GET / HTTP/1.1\r", "!A: b\r"}, 4, 0, ""},
      {"abc", {}, 0, 0, "abc"},
      // a string that its line ends: the value was cut off there
      {"{\"a\":\"b\n{}", {"!{\"a\":\"b", "{}"}, 1, 0, ""},
      {"\"a\n{}", {"!\"a", "{}"}, 1, 0, ""},
      {"\"a\\\n{}", {"!\"a\\", "{}"}, 1, 0, ""},
      {"{\"a\":\"b\x1e{}", {"!{\"a\":\"b", "{}"}, 1, 0, ""},
      {"[1,\x1e{}", {"![1,", "{}"}, 1, 0, ""},
      // the next line's value behind one that was cut off: without a comma they are not one value
      {"{\"a\":1,\n{\"b\":2}\n{\"c\":3}", {"!{\"a\":1,\n{\"b\":2}\n", "{\"c\":3}"}, 0, 0, ""},
      {"[1\n{}\n{}", {"![1\n{}\n", "{}"}, 0, 0, ""},  // seen at the second
      {"[{}\n  {}", {"![{}\n  ", "{}"}, 0, 0, ""},
      {"[{} {}]\n{}", {"![{} {}]", "{}"}, 1, 0, ""},
      {"[\"a\" \"b\"]\n{}", {"![\"a\" \"b\"]", "{}"}, 1, 0, ""},
      {"[\"a\"\n\"b\"]",
       {
           "![\"a\"\n",
           "\"b\"",
       },
       0,
       0,
       "]"},
  }));
  check_row(cut_anywhere(row.bytes), row);
}

TEST_CASE("json: values over the maximum, cut anywhere", "[framing][json]") {
  const auto row = GENERATE(values<FramingRow>({
      {"[123456]", {"[123456]"}, 0, 0, ""},  // exactly the maximum
      {"[1234567]{}", {"[1234567...", "{}"}, 0, 1, ""},
      {"[1234567]\n{}", {"[1234567...", "{}"}, 1, 1, ""},
      {"[1,2,3,[4],\"]\"]{}", {"[1,2,3,[...", "{}"}, 0, 7, ""},
      {"\"12345678\"{}", {"\"1234567...", "{}"}, 0, 2, ""},
      {"12345678 1", {"12345678"}, 1, 0, "1"},
      {"12345678", {}, 0, 0, "12345678"},  // may be whole
      {"123456789 1", {"12345678..."}, 1, 1, "1"},
      {"123456789{}", {"12345678...", "{}"}, 0, 1, ""},
      {"123456789", {"12345678..."}, 0, 1, ""},
      // what can have no end ends here too
      {"{\"a\":\"123\n{}", {"{\"a\":\"12...", "{}"}, 1, 1, ""},
      {"{\"a\":\"12\n{}", {"{\"a\":\"12...", "{}"}, 1, 0, ""},
      {"{\"a\":{}\n{}", {"{\"a\":{}\n...", "{}"}, 0, 0, ""},
      {"[1,2,3,4{} {}\n{}", {"[1,2,3,4...", "{}"}, 1, 5, ""},
      // rejected, and longer than may be kept
      {"abcdefgh\n1 ", {"!abcdefgh", "1"}, 2, 0, ""},
      {"abcdefghi\n1 ", {"!abcdefgh", "1"}, 2, 1, ""},
      {"abcdefghijklmn", {"!abcdefgh"}, 0, 6, ""},
  }));
  check_row(cut_anywhere(row.bytes, 8), row);
}

TEST_CASE("json: nesting up to 1024 values, not deeper", "[framing][json]") {
  constexpr std::size_t kDepth = JsonFramer::kMaxDepth;
  const std::string deepest = std::string(kDepth, '[') + std::string(kDepth, ']');
  const std::string deeper = '[' + deepest + ']';
  const Framed got =
      run_framer(JsonFramer(4096), deepest + "\n" + deeper + "\n{}", every_byte(100), '}');
  CHECK(got.frames == Strings{deepest, '!' + deeper, "{}"});
}

TEST_CASE("json: a line is promised only where the value holds no LF and one LF follows",
          "[framing][json]") {
  const auto [bytes, line] = GENERATE(table<std::string, bool>({
      {"{}\n", true},
      {"1\n", true},
      {"{}", false},
      {"{}\r\n", false},
      {"{} \n", false},
      {"{\n}\n", false},
  }));
  CAPTURE(bytes);
  CHECK(JsonFramer(kMax).next(bytes).line == line);
}

TEST_CASE("json: what the end of a stream finds", "[framing][json]") {
  const auto [bytes, kind] = GENERATE(table<std::string, TailKind>({
      {"12", TailKind::kEndsWithStream},
      {"nul", TailKind::kEndsWithStream},
      {"{\"a\"", TailKind::kUnfinished},
      {"\"a", TailKind::kUnfinished},
      {"\xef\xbb", TailKind::kUnfinished},
      {"abc", TailKind::kRejected},
      {"[{} {}", TailKind::kRejected},
  }));
  CAPTURE(bytes);
  JsonFramer framer(kMax);
  CHECK(framer.next(bytes).status == FrameStatus::kNeedMore);
  CHECK(framer.tail_kind() == kind);
}

TEST_CASE("json: a frame that the parser refuses", "[framing][json]") {
  JsonFramer framer(kMax);
  const std::string closed = "[1,]\n{}";
  FrameResult found = framer.refuse(closed, framer.next(closed), {"why", 3});
  CHECK(found.status == FrameStatus::kRejected);
  CHECK(found.frame == "[1,]");
  CHECK(found.why_at == 3);
  CHECK(found.consumed == 5);
  CHECK(framer.next("{}").frame == "{}");

  const std::string word = "nul 12";
  found = framer.refuse(word, framer.next(word), {"why", 2});
  CHECK(found.status == FrameStatus::kNeedMore);  // the line has not ended
  CHECK(framer.tail_kind() == TailKind::kRejected);
  const std::string line = word + "\n3 ";
  found = framer.next(line);
  CHECK(found.status == FrameStatus::kRejected);
  CHECK(found.why_at == 2);
  CHECK(found.frame == word);
  CHECK(found.why == "why"s);
  CHECK(framer.next("3 ").frame == "3");
}
