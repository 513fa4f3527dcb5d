#include "protocols/syslog/rfc3164.h"

#include <catch2/catch.hpp>
#include <ctime>

#include "tests/protocols/syslog/parsed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

/// Without facility and severity.
std::string rest_of(std::string_view message, const SyslogOptions& options = {}) {
  std::string event = parsed(message, options);
  const std::string pri = R"("facility":1,"severity":5,)";
  if (event.starts_with('{' + pri)) event.erase(1, pri.size());
  return event;
}

constexpr const char* kSeptember6 = "@1441559655000000000";  // 2015-09-06 17:14:15

}  // namespace

TEST_CASE("RFC 3164: the examples of section 5.4", "[syslog][rfc3164]") {
  CHECK(parsed("<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8") ==
        R"({"facility":4,"severity":2,"timestamp":@1413065655000000000,"host":"mymachine",)"
        R"("app":"su","message":"'su root' failed for lonvick on /dev/pts/8"})");
  CHECK(parsed("Use the BFG!") == R"({"message":"Use the BFG!"})");
  CHECK(rest_of("<13>Feb  5 17:32:18 10.0.0.99 Use the BFG!") ==
        R"({"timestamp":@1423157538000000000,"host":"10.0.0.99","message":"Use the BFG!"})");
  CHECK(parsed("<165>Aug 24 05:34:00 CST 1987 mymachine myproc[10]: %% It's time to make the "
               "do-nuts.  %%  Ingredients: Mix=OK, Jelly=OK #") ==
        R"({"facility":20,"severity":5,"timestamp":@1440394440000000000,"host":"CST",)"
        R"("message":"1987 mymachine myproc[10]: %% It's time to make the do-nuts.  %%  )"
        R"(Ingredients: Mix=OK, Jelly=OK #"})");
}

TEST_CASE("RFC 3164: times", "[syslog][rfc3164]") {
  const std::string time =
      GENERATE(as<std::string>{}, "Sep 06 17:14:15", "Sep  6 17:14:15", "Sep 6 17:14:15",
               "Sep 06 2015 17:14:15", "Sep  6 17:14:15 2015", "2015-09-06T17:14:15Z",
               "2015-09-06T19:14:15+02:00", "2015-09-06T17:14:15", "2015-09-06T19:14:15+0200",
               "2015-09-06T10:14:15-0700", "2015-09-06T17:14:15,000", "2015-09-06T17:14:15,000Z",
               "2015-09-06T17:14:15.000");
  CAPTURE(time);
  CHECK(rest_of("<13>" + time + " h a: m") ==
        std::string(R"({"timestamp":)") + kSeptember6 + R"(,"host":"h","app":"a","message":"m"})");
}

TEST_CASE("RFC 3164: the year is the last one that is not over a week ahead of the receipt",
          "[syslog][rfc3164]") {
  CHECK(rest_of("<13>Dec 31 23:59:59 h m") ==
        R"({"timestamp":@1420070399000000000,"host":"h","message":"m"})");  // 2014
  CHECK(
      rest_of("<13>Feb 29 00:00:00 h m") ==
      R"({"timestamp":@1330473600000000000,"host":"h","message":"m"})");  // 2012 is the last leap year
  CHECK(rest_of("<13>Sep 13 00:00:00 h m") ==
        R"({"timestamp":@1442102400000000000,"host":"h","message":"m"})");  // six days ahead
  CHECK(rest_of("<13>Sep  6 17:14:15 h m", {.year = 2014}) ==
        R"({"timestamp":@1410023655000000000,"host":"h","message":"m"})");
  CHECK(rest_of("<13>Sep  6 17:14:15 h m", {.zone_offset_s = 7200}) ==
        R"({"timestamp":@1441552455000000000,"host":"h","message":"m"})");
}

TEST_CASE("RFC 3164: a number behind the time is a year only where a tag follows",
          "[syslog][rfc3164]") {
  const auto [rest, expected] = GENERATE(table<std::string, std::string>({
      {"2001:db8::1 app[7]: hi", R"("host":"2001:db8::1","app":"app","procid":"7","message":"hi")"},
      {"2600:1f18:1::5 su: hi", R"("host":"2600:1f18:1::5","app":"su","message":"hi")"},
      {"2001:db8::1 hi", R"("host":"2001:db8::1","message":"hi")"},
      {"4096 bytes read", R"("host":"4096","message":"bytes read")"},
      {"4096 h su: m", R"("host":"4096","message":"h su: m")"},
      {"2014 items done", R"("host":"2014","message":"items done")"},
      {"2015", R"("message":"2015")"},
      {"2015:", R"("app":"2015")"},
  }));
  CAPTURE(rest);
  CHECK(rest_of("<13>Sep  6 17:14:15 " + rest) ==
        std::string(R"({"timestamp":)") + kSeptember6 + ',' + expected + '}');
}

TEST_CASE("RFC 3164: ISO times in the zone of the options, and those that are none",
          "[syslog][rfc3164]") {
  CHECK(
      rest_of("<13>2003-10-11T22:14:15,123 host app[3]: msg", {.zone_offset_s = 7200}) ==
      R"({"timestamp":@1065903255123000000,"host":"host","app":"app","procid":"3","message":"msg"})");
  for (const std::string message :
       {"2003-13-11T22:14:15 host app[3]: msg", "2003-10-11T22:14:15+2 host app: msg",
        "2003-10-11T22:14:15, host app: msg", "2003-10-11T22:14 host app: msg"}) {
    CHECK(rest_of("<13>" + message) == R"({"message":")" + message + "\"}");
  }
}

TEST_CASE("RFC 3164: a text that begins with a number is no RFC 5424", "[syslog][rfc3164]") {
  for (const std::string text :
       {"3 files processed", "1 of 5 done", "10 apples fell", "1 -5 degrees", "1", "1 ", "2 - - -",
        "1 2003 cars", "2 2003-10-11 is a day"})
    CHECK(rest_of("<13>" + text) == R"({"message":")" + text + "\"}");
}

TEST_CASE("RFC 3164: times in the zone of this machine", "[syslog][rfc3164]") {
  std::tm civil{
      .tm_sec = 15, .tm_min = 14, .tm_hour = 17, .tm_mday = 6, .tm_mon = 8, .tm_year = 115};
  civil.tm_isdst = -1;
  const std::string seconds = std::to_string(std::mktime(&civil));
  CHECK(rest_of("<13>Sep  6 17:14:15 h m", {.zone_offset_s = std::nullopt}) ==
        R"({"timestamp":@)" + seconds + R"(000000000,"host":"h","message":"m"})");
}

TEST_CASE("RFC 3164: host and tag", "[syslog][rfc3164]") {
  const auto [rest, expected] = GENERATE(table<std::string, std::string>({
      {"h su: m", R"("host":"h","app":"su","message":"m")"},
      {"h su[12]: m", R"("host":"h","app":"su","procid":"12","message":"m")"},
      {"su[12]: m", R"("app":"su","procid":"12","message":"m")"},  // Perl
      {"su: m", R"("app":"su","message":"m")"},
      {"h no tag here", R"("host":"h","message":"no tag here")"},  // syslog-client
      {"h drv[1]:@cee: {}", R"("host":"h","app":"drv","procid":"1","message":"@cee: {}")"},
      {"h drv:@cee: {}", R"("host":"h","app":"drv","message":"@cee: {}")"},
      {"h postfix/smtpd[9]: m", R"("host":"h","app":"postfix/smtpd","procid":"9","message":"m")"},
      {"h systemd-logind[x]: m", R"("host":"h","app":"systemd-logind","procid":"x","message":"m")"},
      {"fe80::1 su: m", R"("host":"fe80::1","app":"su","message":"m")"},
      {"h a [b]: c", R"("host":"h","message":"a [b]: c")"},
      {"h su[12 m", R"("host":"h","message":"su[12 m")"},
      {"h", R"("message":"h")"},
      {"h CEF:0|a|b|c|d|e|5|x=1", R"("host":"h","message":"CEF:0|a|b|c|d|e|5|x=1")"},
      {"CEF:0|a", R"("message":"CEF:0|a")"},
      {"h %ASA-6-302013: Built", R"("host":"h","message":"%ASA-6-302013: Built")"},
  }));
  CAPTURE(rest);
  CHECK(rest_of("<13>Sep  6 17:14:15 " + rest) ==
        std::string(R"({"timestamp":)") + kSeptember6 + ',' + expected + '}');
}

TEST_CASE("RFC 3164: without a time", "[syslog][rfc3164]") {
  using namespace std::string_literals;
  const auto [message, expected] = GENERATE(table<std::string, std::string>({
      {"<13>text\0"s, R"({"message":"text"})"},  // Python
      {"<13>su[12]: m", R"({"app":"su","procid":"12","message":"m"})"},
      {"<13>su: m", R"({"app":"su","message":"m"})"},
      {"<13>Sep 6 is no time", R"({"message":"Sep 6 is no time"})"},
      {"<13>Sep  6 25:14:15 h m", R"({"message":"Sep  6 25:14:15 h m"})"},
      {"<13>", R"({"facility":1,"severity":5})"},
      {"<13> leading", R"({"message":" leading"})"},
      {"no priority", R"({"message":"no priority"})"},
      {"<x>y", R"({"message":"<x>y"})"},
  }));
  CAPTURE(message);
  CHECK(rest_of(message) == expected);
}

TEST_CASE("RFC 3164: Cisco's forms", "[syslog][rfc3164]") {
  const std::string message = R"("message":"%SYS-5-CONFIG_I: Configured")";
  const std::string time = R"("timestamp":@1425235571123000000)";
  const auto [head, expected] = GENERATE_COPY(table<std::string, std::string>({
      {"123: *Mar  1 18:46:11.123 UTC: ", time},
      {"*Mar  1 18:46:11.123: ", time},
      {".Mar 1 2015 18:46:11.123 CET: ", time},
      {"Mar  1 18:46:11.123 2015: ", time},
      {"*Mar  1 18:46:11.123 2015: ", time},
      {"*Mar  1 18:46:11.123 2015 UTC: ", time},
      {"Mar  1 18:46:11.123 2015 ", time},
      {"Mar  1 18:46:11.123 2015 sw1 ", time + R"(,"host":"sw1")"},
      {"123: sw1: Mar  1 18:46:11.123: ", time + R"(,"host":"sw1")"},
      {"10.0.0.1: Mar  1 18:46:11.123: ", time + R"(,"host":"10.0.0.1")"},
  }));
  CAPTURE(head);
  CHECK(rest_of("<13>" + head + "%SYS-5-CONFIG_I: Configured") ==
        '{' + expected + ',' + message + '}');
}

TEST_CASE("RFC 3164: a message cut anywhere is an event", "[syslog][rfc3164]") {
  for (const std::string message :
       {"<189>123: sw1: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured",
        "<13>2015-09-06T19:14:15.5+02:00 h su[12]: m", "<13>Sep  6 17:14:15 2015 h su[12]: m"}) {
    for (std::size_t size = 5; size < message.size(); ++size) {
      CAPTURE(message, size);
      CHECK_FALSE(parsed(message.substr(0, size)).starts_with(R"({"error":)"));
    }
  }
}
