#include "protocols/influx/parse.h"

#include <catch2/catch.hpp>

#include "tests/protocols/parsed.h"

using namespace penstock;

namespace {

std::string parsed(std::string_view line, InfluxOptions options = {}) {
  influx::LineParser parser(options);
  return test::parsed(
      [&](std::string_view frame, FieldWriter& fields) { return parser.parse(frame, fields); },
      line);
}

}  // namespace

TEST_CASE("line protocol: the examples of its reference", "[influx]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {R"(myMeasurement,tag1=value1,tag2=value2 fieldKey="fieldValue" 1556813561098000000)",
       R"({"name":"myMeasurement","tags":{"tag1":"value1","tag2":"value2"},"fields":{"fieldKey":"fieldValue"},"timestamp":@1556813561098000000})"},
      {"m field=1,f=1.0,g=-1.234456e+78",
       R"({"name":"m","fields":{"field":1.0,"f":1.0,"g":-1.234456e+78}})"},
      {"m a=-0,b=-0.0,c=0,d=-00e3,e=-0000000000000000000000,f=-7",
       R"({"name":"m","fields":{"a":-0.0,"b":-0.0,"c":0.0,"d":-0.0,"e":-0.0,"f":-7.0}})"},
      {"m a=1i,b=-12485903i,c=0u,d=18446744073709551615u",
       R"({"name":"m","fields":{"a":1,"b":-12485903,"c":0,"d":18446744073709551615}})"},
      {"m a=t,b=T,c=true,d=True,e=TRUE,f=f,g=F,h=false,i=False,j=FALSE",
       R"({"name":"m","fields":{"a":true,"b":true,"c":true,"d":true,"e":true,"f":false,"g":false,"h":false,"i":false,"j":false}})"},
      {R"(my\ Measurement fieldKey="string value")",
       R"({"name":"my Measurement","fields":{"fieldKey":"string value"}})"},
      {R"(m fieldKey="\"string\" within a string")",
       R"({"name":"m","fields":{"fieldKey":"\"string\" within a string"}})"},
      {R"(m,tag\ Key1=tag\ Value1,tag\ Key2=tag\ Value2 fieldKey=100)",
       R"({"name":"m","tags":{"tag Key1":"tag Value1","tag Key2":"tag Value2"},"fields":{"fieldKey":100.0}})"},
      {R"(m,tagKey=🍭 fieldKey="Launch 🚀" 1)",
       R"({"name":"m","tags":{"tagKey":"🍭"},"fields":{"fieldKey":"Launch 🚀"},"timestamp":@1})"},
  }));
  CAPTURE(line);
  CHECK(parsed(line) == event);
}

TEST_CASE("line protocol: escapes differ by place", "[influx]") {
  const auto [line, event] = GENERATE(table<std::string, std::string>({
      {R"(a\,b\ c\=d\e f=1)", R"({"name":"a,b c\\=d\\e","fields":{"f":1.0}})"},
      {R"(a=b f=1)", R"({"name":"a=b","fields":{"f":1.0}})"},
      {R"(m,a\,b\=c\ d=e\,f\=g\ h\i f=1)",
       R"({"name":"m","tags":{"a,b=c d":"e,f=g h\\i"},"fields":{"f":1.0}})"},
      {R"(m a\,b\=c\ d\e=1)", R"({"name":"m","fields":{"a,b=c d\\e":1.0}})"},
      {R"(m f="a\\b\"c\d\ e\n")", R"({"name":"m","fields":{"f":"a\\b\"c\\d\\ e\\n"}})"},
      {R"(m,t="v" f=1)", R"({"name":"m","tags":{"t":"\"v\""},"fields":{"f":1.0}})"},
      {"m f=\"a\tb\nc\"", R"({"name":"m","fields":{"f":"a\x09b\x0ac"}})"},
      {R"(m f="")", R"({"name":"m","fields":{"f":""}})"},
  }));
  CAPTURE(line);
  CHECK(parsed(line) == event);
}

TEST_CASE("line protocol: times by precision", "[influx]") {
  using enum InfluxOptions::Precision;
  CHECK(parsed("m f=1 1", {kSeconds}).ends_with("\"timestamp\":@1000000000}"));
  CHECK(parsed("m f=1 -1", {kMilliseconds}).ends_with("\"timestamp\":@-1000000}"));
  CHECK(parsed("m f=1 1", {kMicroseconds}).ends_with("\"timestamp\":@1000}"));
  CHECK(parsed("m f=1   1  ").ends_with("\"timestamp\":@1}"));
  CHECK(parsed("m f=1 ") == R"({"name":"m","fields":{"f":1.0}})");
  CHECK(parsed("m f=1 9223372036854775807").ends_with("@9223372036854775807}"));
  CHECK(parsed("m f=1 9223372036854775808") == "at byte 6: the timestamp is no integer of 64 bits");
  CHECK(parsed("m f=1 9223372037", {kSeconds}) ==
        "at byte 6: the timestamp is beyond 1678 to 2262");
}

TEST_CASE("line protocol: what is none, and at which byte", "[influx]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {",t=v f=1", "at byte 0: no measurement"},
      {"m", "at byte 1: no blank before the fields"},
      {"m\tf=1", "at byte 1: a control character outside of a text"},
      {"m,t\r=v f=1", "at byte 3: a control character outside of a text"},
      {"m,t=v\x1b[31m f=1", "at byte 5: a control character outside of a text"},
      {"m, f=1", "at byte 2: no tag behind the comma"},
      {"m,t f=1", "at byte 3: no `=` behind the tag"},
      {"m,t= f=1", "at byte 4: the tag has no value"},
      {"m,t=a=b f=1", "at byte 5: no blank before the fields"},
      {"m,t=a,t=b f=1", "at byte 6: the same tag twice"},
      {"m,t=v\\ f=1 g=2", "at byte 8: no blank before the fields"},
      {"m ", "at byte 2: no field"},
      {"m f", "at byte 3: no `=` behind the field"},
      {"m f=", "at byte 4: the field has no value"},
      {"m f=1,", "at byte 6: no field"},
      {"m f=1, g=1", "at byte 6: no field"},
      {"m f=\"a", "at byte 5: the text has no closing quote"},
      {"m f=\"a\"b", "at byte 7: no comma or blank behind the field's value"},
      {"m f=1 2 3", "at byte 8: more behind the timestamp"},
      {"m f=1 2.5", "at byte 6: the timestamp is no integer of 64 bits"},
      {"m f=1 +2", "at byte 6: the timestamp is no integer of 64 bits"},
      {"m f=1e3i", "at byte 4: no integer of 64 bits before the `i`"},
      {"m f=9223372036854775808i", "at byte 4: no integer of 64 bits before the `i`"},
      {"m f=-1u", "at byte 4: no integer of 64 bits without sign before the `u`"},
      {"m f=nan",
       "at byte 4: the value is no finite decimal number, no truth value and no quoted text"},
      {"m f=tRUE",
       "at byte 4: the value is no finite decimal number, no truth value and no quoted text"},
      {"m\xff f=1", "at byte 1: no UTF-8"},
      {"m f=\"\xc3\"", "at byte 5: no UTF-8"},
  }));
  CAPTURE(line);
  CHECK(parsed(line) == problem);
}

TEST_CASE("line protocol: the number of tags has a limit", "[influx]") {
  std::string line = "m";
  for (std::size_t n = 0; n < influx::kMostTags; ++n) line += ",t" + std::to_string(n) + "=v";
  CHECK(parsed(line + " f=1").starts_with(R"({"name":"m","tags":{"t0":"v")"));
  CHECK(parsed(line + ",more=v f=1") ==
        "at byte " + std::to_string(line.size() + 1) + ": more than 256 tags");
}
