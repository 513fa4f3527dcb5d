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
      {"2015:", R"("message":"2015:")"},
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

TEST_CASE("RFC 3164: tags with brackets and other signs", "[syslog][rfc3164]") {
  const auto [tag, expected] = GENERATE(table<std::string, std::string>({
      {"sshd(pam_unix)[19939]: m", R"-("app":"sshd(pam_unix)","procid":"19939","message":"m")-"},
      {"(sd-pam)[812]: m", R"-("app":"(sd-pam)","procid":"812","message":"m")-"},
      {"app+x[1]: m", R"("app":"app+x","procid":"1","message":"m")"},
      {"app#1: m", R"("app":"app#1","message":"m")"},
      {"U7PG2,788a20,v4.0: m", R"("app":"U7PG2,788a20,v4.0","message":"m")"},
      {"12[7]: m", R"("app":"12","procid":"7","message":"m")"},
      {"12: m", R"("message":"12: m")"},
      {"{a:1}", R"("message":"{a:1}")"},
  }));
  CAPTURE(tag);
  CHECK(rest_of("<13>" + tag) == '{' + expected + '}');
  CHECK(rest_of("<13>Sep  6 17:14:15 h " + tag) ==
        std::string(R"({"timestamp":)") + kSeptember6 + R"(,"host":"h",)" + expected + '}');
}

TEST_CASE("RFC 3164: heads of some devices and daemons", "[syslog][rfc3164]") {
  const auto [message, expected] = GENERATE(table<std::string, std::string>({
      {" Sep  6 17:14:15 h su: m", R"("host":"h","app":"su","message":"m")"},  // HP ProCurve
      {"2015-09-06 17:14:15 h su: m", R"("host":"h","app":"su","message":"m")"},
      {"2015-09-06 17:14:15 h su[1]: m", R"("host":"h","app":"su","procid":"1","message":"m")"},
      {"2015 Sep  6 17:14:15 h su: m", R"("host":"h","app":"su","message":"m")"},
      {"Sep  6 2015 19:14:15+02:00 HW %%01SHELL/5/CMD(l): m",
       R"("host":"HW","message":"%%01SHELL/5/CMD(l): m")"},  // Huawei
      {"Sep  6 17:14:15 UTC h su: m", R"("host":"h","app":"su","message":"m")"},
      {"Sep  6 17:14:15 GMT 2015 h su: m", R"("host":"h","app":"su","message":"m")"},
      {"Sep  6 17:14:15 Message forwarded from h: su: m",
       R"("host":"h","app":"su","message":"m")"},  // AIX
      {"Sep  6 17:14:15 Message forwarded from", R"("host":"Message","message":"forwarded from")"},
      {"Sep  6 17:14:15 last message repeated 3 times",
       R"("message":"last message repeated 3 times")"},
      {"Sep  6 17:14:15 h last message repeated 3 times",
       R"("host":"h","message":"last message repeated 3 times")"},
      {"1 1441559655.000000000 MX84 flows src=1.2.3.4 dst=2",
       R"("host":"MX84","message":"flows src=1.2.3.4 dst=2")"},  // Meraki
  }));
  CAPTURE(message);
  CHECK(rest_of("<13>" + message) ==
        std::string(R"({"timestamp":)") + kSeptember6 + ',' + expected + '}');
}

TEST_CASE("RFC 3164: a time with UTC behind it is in no other zone", "[syslog][rfc3164]") {
  for (const std::string time :
       {"Sep  6 17:14:15 UTC", "Sep  6 19:14:15+02:00", "Sep  6 12:14:15 -0500", "Sep  6 18:14:15"})
    CHECK(rest_of("<13>" + time + " h m", {.zone_offset_s = 3600}) ==
          std::string(R"({"timestamp":)") + kSeptember6 + R"(,"host":"h","message":"m"})");
}

TEST_CASE("RFC 3164: what begins like a head of a device and is none is text",
          "[syslog][rfc3164]") {
  for (const std::string text :
       {" Sep 6 is no time", "2015-09-06 17:14:15 INFO all is well", "2015-09-06 17:14:15",
        "1 1441559655 MX84 flows", "1 1441559655.5", "1 144155965.55 MX84 flows",
        "1 1441559655.5 x", "2015 Sep  6 is no time", "2015 Sep  6 2015 17:14:15 h m"})
    CHECK(rest_of("<13>" + text) == R"({"message":")" + text + R"("})");
}

TEST_CASE("RFC 3164: a message cut anywhere is an event", "[syslog][rfc3164]") {
  for (const std::string message :
       {"<189>123: sw1: *Mar  1 18:46:11.123 UTC: %SYS-5-CONFIG_I: Configured",
        "<189>86: RP/0/RSP0/CPU0:Mar  1 18:46:11.123 UTC : ifmgr[214]: %PKT-LINK-3-UPDOWN : x",
        "<189>: 2015 Mar  1 18:46:11 EST: %SYS-5-CONFIG_I: Configured",
        "<189>Sep  6 17:14:15 h 88: 1w2d: %SYS-5-CONFIG_I: Configured",
        "<134>1 1441559655.123456789 MX84 flows src=1.2.3.4",
        "<134>Sep  6 17:14:15 Message forwarded from h: su[1]: m",
        "<13>2015-09-06 17:14:15 h su: m", "<13>2015-09-06T19:14:15.5+02:00 h su[12]: m",
        "<13>Sep  6 17:14:15 2015 h su[12]: m"}) {
    for (std::size_t size = 5; size < message.size(); ++size) {
      CAPTURE(message, size);
      CHECK_FALSE(parsed(message.substr(0, size)).starts_with(R"({"error":)"));
    }
  }
}
