#include "protocols/syslog/rfc5424.h"

#include <catch2/catch.hpp>

#include "tests/protocols/syslog/parsed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string problem_of(std::string_view message) {
  const std::string event = parsed(message);
  const std::size_t end = event.find(R"(,"message":)");
  return event.starts_with(R"({"error":)") ? event.substr(0, end) : "no problem: " + event;
}

}  // namespace

TEST_CASE("RFC 5424: the examples of section 6.5", "[syslog][rfc5424]") {
  CHECK(parsed("<34>1 2003-10-11T22:14:15.003Z mymachine.example.com su - ID47 - "
               "\xEF\xBB\xBF'su root' failed for lonvick on /dev/pts/8") ==
        R"({"facility":4,"severity":2,"timestamp":@1065910455003000000,)"
        R"("host":"mymachine.example.com","app":"su","msgid":"ID47",)"
        R"("message":"'su root' failed for lonvick on /dev/pts/8"})");
  CHECK(parsed("<165>1 2003-08-24T05:14:15.000003-07:00 192.0.2.1 myproc 8710 - - "
               "%% It's time to make the do-nuts.") ==
        R"({"facility":20,"severity":5,"timestamp":@1061727255000003000,"host":"192.0.2.1",)"
        R"("app":"myproc","procid":"8710","message":"%% It's time to make the do-nuts."})");
  CHECK(parsed(R"(<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 )"
               R"([exampleSDID@32473 iut="3" eventSource="Application" eventID="1011"] )"
               "\xEF\xBB\xBF"
               "An application event log entry...") ==
        R"({"facility":20,"severity":5,"timestamp":@1065910455003000000,)"
        R"("host":"mymachine.example.com","app":"evntslog","msgid":"ID47",)"
        R"("structured_data":{"exampleSDID@32473":)"
        R"({"iut":"3","eventSource":"Application","eventID":"1011"}},)"
        R"("message":"An application event log entry..."})");
  CHECK(parsed(R"(<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 )"
               R"([exampleSDID@32473 iut="3"][examplePriority@32473 class="high"])") ==
        R"({"facility":20,"severity":5,"timestamp":@1065910455003000000,)"
        R"("host":"mymachine.example.com","app":"evntslog","msgid":"ID47",)"
        R"("structured_data":{"exampleSDID@32473":{"iut":"3"},)"
        R"("examplePriority@32473":{"class":"high"}}})");
}

TEST_CASE("RFC 5424: structured data", "[syslog][rfc5424]") {
  const auto [data, expected] = GENERATE(table<std::string, std::string>({
      {R"([a b="1"] m)", R"("structured_data":{"a":{"b":"1"}},"message":"m")"},
      {R"([a] m)", R"("structured_data":{"a":{}},"message":"m")"},
      {R"([a b="1"]glued)", R"("structured_data":{"a":{"b":"1"}},"message":"glued")"},
      {R"([a b="1"] [c] m)", R"("structured_data":{"a":{"b":"1"}},"message":"[c] m")"},
      {R"([a b="\"\\\]"])", R"("structured_data":{"a":{"b":"\"\\]"}})"},
      {R"([a b="c:\dir\"])", R"("error":"a value of the structured data has no closing quote")"},
      {R"([a b="c:\dir"])", R"("structured_data":{"a":{"b":"c:\\dir"}})"},
      {R"([a b="x]y"])", R"("structured_data":{"a":{"b":"x]y"}})"},
      {R"([a ip="1" x="0" ip="2" ip="3"])",
       R"("structured_data":{"a":{"ip":["1","2","3"],"x":"0"}})"},
      {R"([a b="1" c="x"][d][a b="2" e="y"][d f=""] m)",
       R"("structured_data":{"a":{"b":["1","2"],"c":"x","e":"y"},"d":{"f":""}},"message":"m")"},
      {R"([a  b=""  ] m)", R"("structured_data":{"a":{"b":""}},"message":"m")"},
      {"- ", ""},
      {"-", ""},
      {"- \n", ""},
      {"-m", R"("message":"m")"},
  }));
  CAPTURE(data);
  const std::string event = parsed("<13>1 - - - - - " + data);
  const bool problem = expected.starts_with("\"error");
  const std::string head = problem ? "{" : R"({"facility":1,"severity":5)";
  const std::string all = head + (problem || expected.empty() ? "" : ",") + expected;
  CHECK(event.substr(0, all.size()) == all);
  if (!problem) CHECK(event == all + '}');
}

TEST_CASE("RFC 5424: what ends a message is no part of it", "[syslog][rfc5424]") {
  using namespace std::string_literals;
  const std::string head = "<13>1 - h a - - - ",
                    expected = R"("host":"h","app":"a","message":"m"})";
  for (const std::string& message :
       {head + "m", head + "m\n", head + "m\0"s, head + "m\n\0"s, head + "m\r\n\0"s})
    CHECK(parsed(message).ends_with(expected));
  CHECK(parsed(head + "m\r\0"s).ends_with("\"m\\x0d\"}"));
  CHECK(parsed(head + "two\nlines").ends_with(R"("message":"two\x0alines"})"));
}

TEST_CASE("RFC 5424: times", "[syslog][rfc5424]") {
  const auto [time, ns] = GENERATE(table<std::string, std::string>({
      {"1985-04-12T23:20:50.52Z", "482196050520000000"},
      {"1985-04-12T19:20:50.52-04:00", "482196050520000000"},
      {"2003-08-24T05:14:15.123456789Z", "1061702055123456789"},
      {"2003-08-24T05:14:15.1234567891Z", "1061702055123456789"},
      {"1985-04-12T19:20:50.52-0400", "482196050520000000"},
      {"1985-04-12T23:20:50,52Z", "482196050520000000"},
      {"1985-04-12T23:20:50.52", "482196050520000000"},
      {"2016-12-31T23:59:60Z", "1483228800000000000"},
      {"2016-12-31t23:59:59z", "1483228799000000000"},
      {"1969-12-31T23:59:59.9Z", "-100000000"},
  }));
  CAPTURE(time);
  CHECK(parsed("<13>1 " + time + " - - - - -") ==
        R"({"facility":1,"severity":5,"timestamp":@)" + ns + '}');
}

TEST_CASE("RFC 5424: a time without a zone is in that of the options", "[syslog][rfc5424]") {
  CHECK(parsed("<13>1 1985-04-12T23:20:50.52 - - - - -", {.zone_offset_s = -3600}) ==
        R"({"facility":1,"severity":5,"timestamp":@482199650520000000})");
}

TEST_CASE("RFC 5424: a problem is told with its byte, and the message goes on as it is",
          "[syslog][rfc5424]") {
  const auto [message, problem] = GENERATE(table<std::string, std::string>({
      {"<192>1 - - - - - -", R"("the priority is above 191","error_offset":1)"},
      {"<001>1 - - - - - -", R"("the priority begins with 0","error_offset":1)"},
      {"<13>2 2003-10-11T22:14:15Z - - - - -", R"("the version is not 1","error_offset":5)"},
      {"<13>1 2003-10-11 - - - - -", R"("no T between date and time","error_offset":16)"},
      {"<13>1 2003-02-29T00:00:00Z - - - - -", R"("there is no such time","error_offset":6)"},
      {"<13>1 2003-02-28T00:00:00+2 - - - - -",
       R"("the time has no zone, Z or +02:00","error_offset":26)"},
      {"<13>1 2003-02-28T00:00:00.Z - - - - -",
       R"("no digit behind the point of the time","error_offset":26)"},
      {"<13>1 1677-01-01T00:00:00Z - - - - -", R"("there is no such time","error_offset":6)"},
      {"<13>1 - ", R"("no host name","error_offset":8)"},
      {"<13>1 - host", R"("no application name","error_offset":12)"},
      {"<13>1 -  a p m -", R"("no host name","error_offset":8)"},
      {"<13>1 - h a p", R"("no message id","error_offset":13)"},
      {"<13>1 - h a p ", R"("no message id","error_offset":14)"},
      {"<13>1 - h a p m", R"("no structured data","error_offset":15)"},
      {"<13>1 - h a p m ", R"("no structured data","error_offset":16)"},
      {"<13>1 - h a p m x",
       R"("the structured data is neither - nor in brackets","error_offset":16)"},
      {"<13>1 - h a p m [", R"("an element of the structured data has no name","error_offset":17)"},
      {"<13>1 - h a p m [a",
       R"("no ] behind an element of the structured data","error_offset":18)"},
      {"<13>1 - h a p m [a b", R"("no = behind the name of a parameter","error_offset":20)"},
      {"<13>1 - h a p m [a b=c]",
       R"("no quote in front of the value of a parameter","error_offset":21)"},
      {"<13>1 - h a p m [a =\"c\"]",
       R"("a parameter of the structured data has no name","error_offset":19)"},
  }));
  CAPTURE(message);
  CHECK(problem_of(message) == R"({"error":)" + problem);
}

TEST_CASE("RFC 5424: a message cut anywhere is an event or a problem", "[syslog][rfc5424]") {
  const std::string message =
      R"(<165>1 2003-10-11T22:14:15.003Z host evntslog 12 ID47 [a@1 iut="3" x="\]"][b c="d"] text)";
  for (std::size_t size = 1; size < message.size(); ++size) {
    CAPTURE(size);
    const std::string event = parsed(message.substr(0, size));
    CHECK((event.starts_with(R"({"error":)") || event.starts_with(R"({"facility":20)") ||
           event.starts_with(R"({"message":"<)")));
  }
}

TEST_CASE("RFC 5424: elements and parameters have one limit", "[syslog][rfc5424]") {
  const std::string head = "<13>1 - - - - - ";
  const std::string too_many = R"({"error":"more than 1024 parameters")";
  std::string params = head + "[a", elements = head;
  for (std::size_t at = 1; at < syslog::kMostParams; ++at) params += " p=\"\"";
  for (std::size_t at = 0; at < syslog::kMostParams; ++at) elements += "[a]";
  CHECK(parsed(params + "]").starts_with(R"({"facility")"));
  CHECK(parsed(params + " q=\"\"]").starts_with(too_many));
  CHECK(parsed(params + "][b]").starts_with(too_many));
  CHECK(parsed(elements).ends_with(R"("structured_data":{"a":{}}})"));
  CHECK(parsed(elements + "[b]").starts_with(too_many));
}

TEST_CASE("RFC 5424: a parameter that comes several times is one list, however many there are",
          "[syslog][rfc5424]") {
  const std::size_t count = GENERATE(2u, 32u, 33u, 40u, 340u);
  CAPTURE(count);
  std::string data, ips, ports, others;
  for (std::size_t at = 0; at < count; ++at) {
    const std::string value = '"' + std::to_string(at) + '"', comma = at == 0 ? "" : ",";
    data += " ip=" + value + " n" + std::to_string(at) + "=\"\" port=" + value;
    ips += comma + value, ports += comma + value;
    if (at != 0) others += R"(,"n)" + std::to_string(at) + R"(":"")";
  }
  CHECK(parsed("<13>1 - - - - - [a" + data + "]") ==
        R"({"facility":1,"severity":5,"structured_data":{"a":{"ip":[)" + ips +
            R"(],"n0":"","port":[)" + ports + ']' + others + "}}}");
}
