#include "protocols/syslog/cef.h"

#include <catch2/catch.hpp>

#include "tests/protocols/syslog/parsed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

/// The fields of a message in this form, or nothing.
std::string fields_of(const std::string& message) {
  const std::string event =
      parsed("<13>Sep  6 17:14:15 h " + message, {.payload = SyslogOptions::Payload::kCef});
  const std::size_t at = event.find(R"("fields":)");
  return at == std::string::npos ? "" : event.substr(at + 9, event.size() - at - 10);
}

const std::string kHead =
    R"({"format":"CEF","format_version":"0","device_vendor":"Sec","device_product":"fw",)"
    R"("device_version":"1.0","event_id":"100","name":"worm stopped","severity":"10",)";

}  // namespace

TEST_CASE("CEF: the example of its standard", "[syslog][cef]") {
  CHECK(fields_of("CEF:0|Sec|fw|1.0|100|worm stopped|10|src=10.0.0.1 dst=2.1.2.2 spt=1232") ==
        kHead + R"("extension":{"src":"10.0.0.1","dst":"2.1.2.2","spt":"1232"}})");
}

TEST_CASE("CEF: extensions", "[syslog][cef]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"", ""},
      {"msg=a b c act=blocked", R"("msg":"a b c","act":"blocked")"},
      {R"(msg=a\=b act=x\\y)", R"("msg":"a=b","act":"x\\y")"},
      {R"(msg=two\nlines)", R"("msg":"two\x0alines")"},
      {"a=1 b= c=3", R"("a":"1","b":"","c":"3")"},
      {"no key", ""},
      {"url=http://x/?q=1 end=2", R"("url":"http://x/?q=1","end":"2")"},
      {"a=trailing ", R"("a":"trailing ")"},
  }));
  CAPTURE(text);
  CHECK(fields_of("CEF:0|Sec|fw|1.0|100|worm stopped|10|" + text) ==
        kHead + R"("extension":{)" + expected + "}}");
}

TEST_CASE("CEF: a header with escapes, and one with parts missing", "[syslog][cef]") {
  CHECK(fields_of(R"(CEF:0|a\|b|c\\d|1|2|n|5|)") ==
        R"({"format":"CEF","format_version":"0","device_vendor":"a|b","device_product":"c\\d",)"
        R"("device_version":"1","event_id":"2","name":"n","severity":"5","extension":{}})");
  CHECK(fields_of("CEF:0|a|b|c|d|e").empty());
  CHECK(fields_of("CEF:").empty());
  CHECK(fields_of("text").empty());
}

TEST_CASE("LEEF: both versions", "[syslog][cef]") {
  const std::string rest =
      R"("device_vendor":"v","device_product":"p","device_version":"1","event_id":"e",)"
      R"("extension":{"src":"10.0.0.1","msg":"a b"}})";
  CHECK(fields_of("LEEF:1.0|v|p|1|e|src=10.0.0.1\tmsg=a b") ==
        R"({"format":"LEEF","format_version":"1.0",)" + rest);
}

TEST_CASE("LEEF: the delimiter of 2.0, which may be missing", "[syslog][cef]") {
  const auto [attributes, expected] = GENERATE(table<std::string, std::string>({
      {"^|src=10.0.0.1^msg=a b", R"("src":"10.0.0.1","msg":"a b")"},
      {"x5e|src=10.0.0.1^msg=a b", R"("src":"10.0.0.1","msg":"a b")"},
      {"0x5E|src=10.0.0.1^msg=a b", R"("src":"10.0.0.1","msg":"a b")"},
      {"x0009|src=10.0.0.1\tmsg=a b", R"("src":"10.0.0.1","msg":"a b")"},
      {"|src=10.0.0.1\tmsg=a b", R"("src":"10.0.0.1","msg":"a b")"},
      {"|||src=|x=1", R"("src":"","x":"1")"},
      {"||src=1|x=2", R"("src":"1","x":"2")"},
      {R"(\|src=1\x=2)", R"("src":"1","x":"2")"},
      {"src=1.2.3.4\tdst=2", R"("src":"1.2.3.4","dst":"2")"},
      {"src=1\tmsg=a|b\tdst=2", R"("src":"1","msg":"a|b","dst":"2")"},
      {"x100|y=1\tz=2", R"("x100|y":"1","z":"2")"},
      {"no delimiter", ""},
      {"", ""},
  }));
  CAPTURE(attributes);
  CHECK(fields_of("LEEF:2.0|v|p|1|e|" + attributes) ==
        R"({"format":"LEEF","format_version":"2.0","device_vendor":"v","device_product":"p",)"
        R"("device_version":"1","event_id":"e","extension":{)" +
            expected + "}}");
}

TEST_CASE("CEF: without the option it is a text", "[syslog][cef]") {
  CHECK(parsed("CEF:0|a|b|c|d|e|5|x=1") == R"({"message":"CEF:0|a|b|c|d|e|5|x=1"})");
}
