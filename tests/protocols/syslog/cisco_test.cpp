#include "protocols/syslog/cisco.h"

#include <catch2/catch.hpp>

#include "tests/protocols/syslog/parsed.h"

using namespace penstock;
using namespace penstock::test;

namespace {

const std::string kPri = R"({"facility":23,"severity":5,)";
const std::string kMessage = R"("message":"%SYS-5-CONFIG_I: Configured"})";
const std::string kTime = R"("timestamp":@1425235571123000000,)";     // 2015-03-01 18:46:11.123
const std::string kWhole = R"("timestamp":@1425235571000000000,)";    // 18:46:11
const std::string kRelayed = R"("timestamp":@1441559655000000000,)";  // 2015-09-06 17:14:15

std::string host(const std::string& name) { return R"("host":")" + name + R"(",)"; }

}  // namespace

TEST_CASE("Cisco: fronts with a time", "[syslog][cisco]") {
  const auto [front, expected] = GENERATE_COPY(table<std::string, std::string>({
      {"123: *Mar  1 18:46:11.123 UTC: ", kTime},
      {"*Mar  1 18:46:11.123: ", kTime},
      {".Mar 1 2015 18:46:11.123 CET: ", kTime},
      {"Mar  1 18:46:11.123 2015: ", kTime},
      {"*Mar  1 18:46:11.123 2015: ", kTime},
      {"*Mar  1 18:46:11.123 2015 UTC: ", kTime},
      {"Mar  1 18:46:11.123 2015 ", kTime},
      {"Mar  1 18:46:11.123 2015 sw1 ", kTime + host("sw1")},
      {"123: sw1: Mar  1 18:46:11.123: ", kTime + host("sw1")},
      {"10.0.0.1: Mar  1 18:46:11.123: ", kTime + host("10.0.0.1")},
      {"2001:db8::1: Mar  1 18:46:11.123: ", kTime + host("2001:db8::1")},
      {"88: 000012: *Mar  1 18:46:11.123: ", kTime},
      {"88: rtr1: 000012: *Mar  1 18:46:11.123: ", kTime + host("rtr1")},
      {"rtr1: 88: 000012: *Mar  1 18:46:11.123: ", kTime + host("rtr1")},
      {"88: 000012: rtr1: *Mar  1 18:46:11.123: ", kTime + host("rtr1")},
      {": rtr1: Mar  1 18:46:11.123: ", kTime + host("rtr1")},
      {"4294967296: Mar  1 18:46:11.123: ", kTime},
      {"92: Mar 01 2015 18:46:11.123 UTC : ", kTime},  // CUCM
      {"92: Mar 01 2015 18:46:11.123 EST :  ", kTime},
      {": 2015 Mar  1 18:46:11 EST: ", kWhole},  // NX-OS
      {"sw1: 2015 Mar  1 18:46:11.123 EST: ", kTime + host("sw1")},
      {"2015 Mar  1 18:46:11 sw1 ", kWhole + host("sw1")},
      {":Mar 01 18:46:11 UTC: ", kWhole},  // ASA, EMBLEM
      {"Mar 01 2015 18:46:11: ", kWhole},
      {"Mar 01 2015 18:46:11 asa1 : ", kWhole + host("asa1")},
      {"2015-03-01T18:46:11Z asa1 : ", kWhole + host("asa1")},
      {"2015-03-01T18:46:11Z: ", kWhole},
  }));
  CAPTURE(front);
  CHECK(parsed("<189>" + front + "%SYS-5-CONFIG_I: Configured") == kPri + expected + kMessage);
}

TEST_CASE("Cisco: fronts without a time", "[syslog][cisco]") {
  const auto [front, expected] = GENERATE_COPY(table<std::string, std::string>({
      {"88: ", ""},
      {"88: 000012: ", ""},
      {"88: rtr1: ", host("rtr1")},
      {"88: rtr1: 000012: ", host("rtr1")},
      {"88: 00:01:23: ", ""},
      {"88: 1w2d: ", ""},
      {"88: rtr1: 1d02h: ", host("rtr1")},
      {"1y10w: ", ""},
      {": ", ""},
  }));
  CAPTURE(front);
  CHECK(parsed("<189>" + front + "%SYS-5-CONFIG_I: Configured") == kPri + expected + kMessage);
}

TEST_CASE("Cisco: a node of IOS XR and its process", "[syslog][cisco]") {
  for (const std::string front : {"86: ", ""}) {
    for (const std::string time : {"Mar  1 18:46:11.123 UTC: ", "Mar  1 18:46:11.123 : "})
      CHECK(parsed("<189>" + front + "RP/0/RSP0/CPU0:" + time +
                   "ifmgr[214]: %PKT_INFRA-LINK-3-UPDOWN : Interface") ==
            kPri + kTime +
                R"("host":"RP/0/RSP0/CPU0","app":"ifmgr","procid":"214",)"
                R"("message":"%PKT_INFRA-LINK-3-UPDOWN : Interface"})");
  }
}

TEST_CASE("Cisco: behind what a relay wrote, the time of the device where its clock is right",
          "[syslog][cisco]") {
  const auto [front, expected] = GENERATE_COPY(table<std::string, std::string>({
      {"r1 82: Mar  1 18:46:11.123: ", kTime + host("r1")},
      {"r1 82: *Mar  1 18:46:11.123: ", kRelayed + host("r1")},
      {"r1 82: .Mar  1 18:46:11.123 UTC: ", kRelayed + host("r1")},
      {"r1 82: 1w2d: ", kRelayed + host("r1")},
      {"r1 : ", kRelayed + host("r1")},
      {"82: Mar  1 18:46:11.123: ", kTime},
      {"82: r1: Mar  1 18:46:11.123: ", kTime + host("r1")},
  }));
  CAPTURE(front);
  CHECK(parsed("<189>Sep  6 17:14:15 " + front + "%SYS-5-CONFIG_I: Configured") ==
        kPri + expected + kMessage);
}

TEST_CASE("Cisco: what is no such front is text", "[syslog][cisco]") {
  for (const std::string text :
       {"88: no mnemonic", "1: 2: 3: %SYS-5-CONFIG_I: three numbers",
        "88: %SYS-8-CONFIG_I: severity", "88: %SYS: none", "88: 1w2d: 1w2d: %SYS-5-CONFIG_I: x",
        "88: Mar  1 18:46:11.123 no colon", "88: a: b: Mar  1 18:46:11.123: two origins", ": text",
        ":", "88:", "88"}) {
    CAPTURE(text);
    CHECK(parsed("<189>" + text) == kPri + R"("message":")" + text + "\"}");
  }
  for (const std::string text :
       {"82: Mar  1 18:46:11.123: text", "2015-03-01T18:46:11Z: started",
        "82: r2: Mar  1 18:46:11.123: %SYS-5-CONFIG_I: two hosts", ": text"}) {
    CAPTURE(text);
    CHECK(parsed("<189>Sep  6 17:14:15 r1 " + text) ==
          kPri + kRelayed + host("r1") + R"("message":")" + text + "\"}");
  }
}
