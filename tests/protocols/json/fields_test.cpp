#include "protocols/json/fields.h"

#include <catch2/catch.hpp>
#include <memory>
#include <string>

#include "tests/protocols/events.h"

using namespace penstock;

namespace {

struct Read {
  Problem problem;
  std::string fields;
};

// As the last bytes of its memory, so that a sanitizer sees a look behind it.
Read read(const std::string& object, const JsonLimits& limits = {}) {
  const auto exact = std::make_unique<char[]>(object.size());
  std::copy(object.begin(), object.end(), exact.get());
  const std::string_view frame(exact.get(), object.size());
  FieldBuffer buffer;
  FieldWriter fields(buffer, frame, EventShape::kLog);
  const Problem problem = json_object_to_fields(frame, limits, fields);
  if (problem) return {problem, ""};
  const std::size_t at = fields.finish();
  return {problem, test::to_text(Event(buffer.data() + at, frame))};
}

std::string nested(std::size_t depth) {
  std::string text = "{\"a\":";
  for (std::size_t i = 1; i < depth; ++i) text += '[';
  text += depth == 1 ? "0" : "";
  for (std::size_t i = 1; i < depth; ++i) text += ']';
  return text + '}';
}

}  // namespace

TEST_CASE("json fields: every type, in the sender's order", "[json]") {
  const auto [object, fields] = GENERATE(table<std::string, std::string>({
      {"{}", "{}"},
      {" {\r\n\t\"a\" : 1 } \n", R"({"a":1})"},
      {R"({"b":true,"a":false,"n":null,"d":1.5,"s":"x y","i":-3})",
       R"({"b":true,"a":false,"n":null,"d":1.5,"s":"x y","i":-3})"},
      {R"({"u":18446744073709551615,"l":12345678901234567890123,"e":1e400})",
       R"({"u":18446744073709551615,"l":12345678901234567890123,"e":1e400})"},
      {R"({"a":1,"a":"two","a":[3]})", R"({"a":1,"a":"two","a":[3]})"},
      {R"({"a":[],"b":{},"c":[[],{}],"d":{"e":{"f":[1,"g",null]}},"h":0})",
       R"({"a":[],"b":{},"c":[[],{}],"d":{"e":{"f":[1,"g",null]}},"h":0})"},
      {R"({"\u0061":"\u00e9","n\"":{"\u0062":["\/"]},"":""})",
       "{\"a\":\"\xc3\xa9\",\"n\\\"\":{\"b\":[\"/\"]},\"\":\"\"}"},
  }));
  CAPTURE(object);
  const Read got = read(object);
  CHECK(to_string(got.problem) == "");
  CHECK(got.fields == fields);
}

TEST_CASE("json fields: what is no object, and at which byte", "[json]") {
  const auto [object, problem] = GENERATE(table<std::string, std::string>({
      {"", "at byte 0: invalid JSON: there is none"},
      {"  ", "at byte 2: invalid JSON: there is none"},
      {"[1]", "at byte 0: not a JSON object"},
      {" \"a\"", "at byte 1: not a JSON object"},
      {"12", "at byte 0: not a JSON object"},
      {"{", "at byte 1: invalid JSON: no name where one is due"},
      {"{\"a\"", "at byte 4: invalid JSON: no colon behind a name"},
      {"{\"a\":", "at byte 5: invalid JSON: it ends in the middle"},
      {"{\"a\":1", "at byte 6: invalid JSON: no comma or end where one is due"},
      {"{\"a\":1,}", "at byte 7: invalid JSON: no name where one is due"},
      {"{\"a\":1 \"b\":2}", "at byte 7: invalid JSON: no comma or end where one is due"},
      {"{\"a\":1}}", "at byte 7: invalid JSON: something follows the object"},
      {"{\"a\":1} x", "at byte 8: invalid JSON: something follows the object"},
      {"{1:2}", "at byte 1: invalid JSON: no name where one is due"},
      {"{\"a\" 1}", "at byte 5: invalid JSON: no colon behind a name"},
      {"{\"a\":}", "at byte 5: invalid JSON: no value where one is due"},
      {"{\"a\":NaN}", "at byte 5: invalid JSON: no value where one is due"},
      {"{\"a\":-Infinity}", "at byte 6: invalid JSON: a number is malformed"},
      {"{\"a\":truth}", "at byte 5: invalid JSON: a word other than true, false, null"},
      {"{\"a\":nullx}", "at byte 5: invalid JSON: a word other than true, false, null"},
      {"{\"a\":1\"b\"}", "at byte 6: invalid JSON: a number is malformed"},
      {"{\"a\":01}", "at byte 6: invalid JSON: a number is malformed"},
      {"{\"a\":[1,]}", "at byte 8: invalid JSON: no value where one is due"},
      {"{\"a\":[1}", "at byte 8: invalid JSON: no comma or end where one is due"},
      {"{\"a\":[1}}", "at byte 7: invalid JSON: no comma or end where one is due"},
      {"{\"a\":{\"b\"]}", "at byte 9: invalid JSON: no colon behind a name"},
      {"{\"a\":[1", "at byte 5: invalid JSON: a bracket is not closed"},
      {"{\"a\":[\"b\"c]}", "at byte 9: invalid JSON: no comma or end where one is due"},
      {"{\"a\":\"b}", "at byte 5: invalid JSON: a string does not end"},
      {"{\"a\":\"\\\"b}", "at byte 5: invalid JSON: a string does not end"},
      {"{\"a\":\"b\nc\"}", "at byte 7: invalid JSON: a control character in a string"},
      {"{\"a\":\"b\xff\"}", "at byte 7: invalid JSON: not UTF-8"},
      {"{\"a\":\"\xed\xa0\x80\"}", "at byte 6: invalid JSON: not UTF-8"},
      {"{\"a\":[\"x\\q\"]}", "at byte 8: invalid JSON: an escape in a string is malformed"},
      {"{\"\\q\":1}", "at byte 2: invalid JSON: an escape in a string is malformed"},
      {"\xef\xbb\xbf{}", "at byte 0: not a JSON object"},
  }));
  CAPTURE(object);
  CHECK(to_string(read(object).problem) == problem);
}

TEST_CASE("json fields: any beginning of an object is none", "[json]") {
  const std::string object =
      R"({"a":[1,{"b":"\ud83d\ude00"},true,-1.5e3,null],"c":{"d":"e"},"f":"g"})";
  REQUIRE_FALSE(read(object).problem);
  for (std::size_t size = 0; size < object.size(); ++size) {
    CAPTURE(size);
    const Problem problem = read(object.substr(0, size)).problem;
    CHECK(problem);
    CHECK(problem.at <= size);
  }
}

TEST_CASE("json fields: depth and number of fields have limits", "[json]") {
  const JsonLimits depth{.max_depth = 3};
  CHECK(to_string(read(nested(3), depth).problem) == "");
  CHECK(to_string(read(nested(4), depth).problem) == "at byte 7: nested too deeply");
  CHECK(to_string(read(nested(100'000)).problem) == "at byte 36: nested too deeply");
  CHECK(to_string(read("{\"a\":" + std::string(100'000, '[')).problem) ==
        "at byte 5: invalid JSON: a bracket is not closed");

  const JsonLimits few{.max_fields = 4};
  CHECK(to_string(read(R"({"a":[1,2],"b":3})", few).problem) == "");
  CHECK(to_string(read(R"({"a":[1,2],"b":3,"c":4})", few).problem) ==
        "at byte 8: more fields than an object may have");
  CHECK(to_string(read(R"({"a":1,"b":2,"c":3,"d":4,"e":5})", few).problem) ==
        "at byte 25: more fields than an object may have");
}

TEST_CASE("json fields: texts without escapes are referred to", "[json]") {
  const std::string frame = R"({"name":"plain","other":"esc\taped"})";
  FieldBuffer buffer;
  FieldWriter fields(buffer, frame, EventShape::kLog);
  REQUIRE_FALSE(json_object_to_fields(frame, {}, fields));
  const std::size_t at = fields.finish();
  FieldReader reader = Event(buffer.data() + at, frame).fields();
  FieldEntry entry;
  REQUIRE(reader.next(entry));
  CHECK(entry.name.data() == frame.data() + 2);
  CHECK(entry.value.text.data() == frame.data() + 9);
  REQUIRE(reader.next(entry));
  CHECK(entry.value.text == "esc\taped");
}

TEST_CASE("json fields: one object after another, long and short", "[json]") {
  const std::string many(3'000'000, 'x');
  const std::string object = "{\"a\":\"" + many + "\\n\"}";
  CHECK(read(object).fields.size() > many.size());
  CHECK(read(R"({"a":"\n"})").fields == R"({"a":"\x0a"})");
  CHECK(read(object).fields.size() > many.size());
}
