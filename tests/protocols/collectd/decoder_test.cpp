#include "protocols/collectd/decoder.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "protocols/collectd/report.h"
#include "tests/protocols/collectd/packet.h"
#include "tests/protocols/feed.h"

using namespace penstock;
using namespace penstock::test;
using Lines = std::vector<std::string>;
using Security = CollectdOptions::Security;

namespace {

constexpr std::uint16_t kHost = 0, kTime = 1, kPlugin = 2, kType = 4, kTypeInstance = 5,
                        kInterval = 7, kTimeHigh = 8, kIntervalHigh = 9, kMessage = 0x100,
                        kSeverity = 0x101;

const std::string kCpuEvent =
    R"({"name":"cpu.cpu","kind":"derive","fields":{"value0":1234},)"
    R"("tags":{"host":"web1","plugin":"cpu","plugin_instance":"0","type":"cpu","type_instance":"idle"},)"
    R"("timestamp":@1441588984000000000,"interval":10.0})";

CollectdOptions with_tables(Security security = Security::kNone) {
  auto tables = std::make_shared<collectd::Tables>();
  CHECK_FALSE(
      collectd::parse_types_db("load a:GAUGE:0:1, b:GAUGE:0:1\ncpu value:DERIVE:0:U\n", *tables)
          .problem);
  CHECK_FALSE(collectd::parse_auth_file("alice: secret\n", *tables).problem);
  return {.security = security, .tables = tables};
}

Feed fed(const std::string& datagram, const CollectdOptions& options = {},
         const FramingOptions& framing = {}) {
  Feed feed(make_collectd_decoder(framing, options));
  feed.datagram(datagram);
  return feed;
}

std::string refusal(const Feed& feed) {
  if (feed.refusals().size() != 1) return std::to_string(feed.refusals().size()) + " refusals";
  return std::string(to_string(feed.refusals()[0].reason));
}

std::string prefix() {
  return text_part(kHost, "h") + text_part(kPlugin, "p") + text_part(kType, "t");
}

// As collectd 5.12 sends it, with user alice and password secret.
constexpr std::string_view kEncryptedByCollectd =
    "021000770005616c696365e995c3341c8c97925d82793490ff80bf06b59cf98f22fea531d55c0379"
    "9247e41c45b6b7cd97f1a3a74f75dba3ae12c5551b6fbeae534df56b8fde23e2341b1a9364c304b7"
    "0bcf22f66e5083ac827ec55d1dc6153e2b699f47beb02bd1add0ab6b8efe3d7dbb1efd50a62e67";
constexpr std::string_view kSignedByCollectd =
    "02000029134bece46e3aaba800cb4698662dd365b9fa54fe194579816b0482949544ee00616c6963"
    "650008000c157b39be000000000101000c0000000000000002000000097765623100000200076466"
    "000004000f64665f636f6d706c657800010000116469736b2069732066756c6c00";

std::string from_hex(std::string_view digits) {
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  return bytes;
}

}  // namespace

TEST_CASE("collectd: what collectd itself has signed and encrypted", "[collectd]") {
  const std::string event =
      R"({"timestamp":@1441588984000000000,"host":"web1","app":"df","severity":4,"message":"disk is full",)"
      R"("tags":{"host":"web1","plugin":"df","type":"df_complex"}})";
  CHECK(fed(from_hex(kEncryptedByCollectd), with_tables(Security::kEncrypt)).events() ==
        Lines{event});
  CHECK(fed(from_hex(kSignedByCollectd), with_tables(Security::kSign)).events() == Lines{event});
}

TEST_CASE("collectd: a value with all that belongs to it", "[collectd]") {
  const Feed feed = fed(cpu_packet());
  CHECK(feed.events() == Lines{kCpuEvent});
  CHECK(feed.records()[0].bytes == "PUTVAL web1/cpu-0/cpu-idle interval=10 1441588984.000:1234");
}

TEST_CASE("collectd: each kind of value in its byte order", "[collectd]") {
  const Feed feed = fed(prefix() + values_part({counter(UINT64_MAX), gauge(-1.5), derive(INT64_MIN),
                                                absolute(7), gauge(std::nan(""))}));
  CHECK(feed.events() ==
        Lines{R"({"name":"p.t","fields":{"value0":18446744073709551615,"value1":-1.5,)"
              R"("value2":-9223372036854775808,"value3":7,"value4":nan},)"
              R"("tags":{"host":"h","plugin":"p","type":"t"}})"});
  CHECK(feed.records()[0].bytes ==
        "PUTVAL h/p/t N:18446744073709551615:-1.5:-9223372036854775808:7:U");
}

TEST_CASE("collectd: a counter is unsigned only where 63 bits do not hold it", "[collectd]") {
  const auto [count, type] = GENERATE(table<std::uint64_t, FieldType>({
      {0, FieldType::kInt64},
      {INT64_MAX, FieldType::kInt64},
      {std::uint64_t{INT64_MAX} + 1, FieldType::kUint64},
      {UINT64_MAX, FieldType::kUint64},
  }));
  const auto kind = GENERATE(collectd::ValueKind::kCounter, collectd::ValueKind::kAbsolute);
  collectd::Value value{.kind = kind};
  value.unsigned_integer = count;
  const collectd::Contents contents{.reports = {}, .values = {value}, .plain = {}};
  FieldBuffer buffer;
  FieldWriter fields(buffer, {}, EventShape::kMetric);
  collectd::write_event({.values = 1}, contents, nullptr, fields);
  const auto map = Event(buffer.data() + fields.finish(), {}).find(Field::kFields);
  REQUIRE(map);
  FieldEntry entry;
  FieldReader entries = map->children;
  REQUIRE(entries.next(entry));
  CHECK(entry.value.type == type);
  CHECK(entry.value.unsigned_integer == count);
}

TEST_CASE("collectd: names of data sources come from types.db where it has as many", "[collectd]") {
  const std::string load =
      text_part(kHost, "h") + text_part(kPlugin, "load") + text_part(kType, "load");
  CHECK(fed(load + values_part({gauge(1), gauge(2)}), with_tables()).events() ==
        Lines{R"({"name":"load.load","kind":"gauge","fields":{"a":1.0,"b":2.0},)"
              R"("tags":{"host":"h","plugin":"load","type":"load"}})"});
  CHECK(fed(load + values_part({gauge(1)}), with_tables()).events() ==
        Lines{R"({"name":"load.load","kind":"gauge","fields":{"value0":1.0},)"
              R"("tags":{"host":"h","plugin":"load","type":"load"}})"});
}

TEST_CASE("collectd: what a part says holds for those behind it, in its datagram alone",
          "[collectd]") {
  Feed feed(make_collectd_decoder({}, {}));
  feed.datagram(cpu_packet() + text_part(kTypeInstance, "user") + values_part({derive(-5)}));
  CHECK(feed.records()[1].bytes == "PUTVAL web1/cpu-0/cpu-user interval=10 1441588984.000:-5");
  feed.datagram(values_part({derive(1)}));
  CHECK(feed.events()[2].starts_with(R"({"error":"values without a plugin and a type")"));
}

TEST_CASE("collectd: old and new times", "[collectd]") {
  const auto [parts, frame] = GENERATE(table<std::string, std::string>({
      {number_part(kTime, 1441588984) + number_part(kInterval, 60),
       "PUTVAL h/p/t interval=60 1441588984.000:1"},
      {number_part(kTimeHigh, (1441588984ull << 30) + (1u << 29)) +
           number_part(kIntervalHigh, (1u << 29)),
       "PUTVAL h/p/t interval=0.500 1441588984.500:1"},
      {number_part(kTimeHigh, (7ull << 30) + (1u << 30) - 1), "PUTVAL h/p/t 7.999:1"},
  }));
  CHECK(fed(prefix() + parts + values_part({gauge(1)})).records()[0].bytes == frame);
}

TEST_CASE("collectd: a notification is a log record", "[collectd]") {
  const Feed feed = fed(number_part(kTime, 1441588984) + number_part(kSeverity, 2) +
                        text_part(kHost, "web1") + text_part(kPlugin, "df") +
                        text_part(kType, "df complex") + text_part(kMessage, "disk \"/\" full"));
  CHECK(feed.events() ==
        Lines{R"({"timestamp":@1441588984000000000,"host":"web1","app":"df","severity":4,)"
              R"("message":"disk \"/\" full",)"
              R"("tags":{"host":"web1","plugin":"df","type":"df complex"}})"});
  CHECK(feed.records()[0].bytes ==
        R"(PUTNOTIF host=web1 plugin=df type="df complex" severity=warning time=1441588984.000 )"
        R"(message="disk \"/\" full")");
}

TEST_CASE("collectd: names with blanks are quoted in the frame", "[collectd]") {
  CHECK(fed(text_part(kHost, "my host") + text_part(kPlugin, "p\"") + text_part(kType, "t") +
            values_part({gauge(1)}))
            .records()[0]
            .bytes == R"(PUTVAL "my host/p\"/t" N:1)");
}

TEST_CASE("collectd: parts of unknown types are passed over", "[collectd]") {
  CHECK(fed(part(0x7fff, "whatever") + cpu_packet() + part(0x0300, "")).events() ==
        Lines{kCpuEvent});
}

TEST_CASE("collectd: a datagram without values is nothing", "[collectd]") {
  const Feed feed = fed(prefix());
  CHECK(feed.events().empty());
  CHECK(feed.counts().empty == 1);
  CHECK(fed("").counts().empty == 1);
}

TEST_CASE("collectd: what is malformed is taken not at all", "[collectd]") {
  const std::string good = prefix() + values_part({gauge(1)});
  const auto [bad, problem] = GENERATE(table<std::string, std::string>({
      {std::string(4, '\0'), "a part shorter than its own header"},
      {std::string("\0\6\0\0", 4), "a part shorter than its own header"},
      {std::string("\0\6\0\3", 4), "a part shorter than its own header"},
      {std::string("\0\0\0", 3), "a part without its header"},
      {std::string("\0\0\xff\xff", 4) + "x", "a part longer than what is left"},
      {part(kHost, "no end"), "a text without its NUL"},
      {part(kTime, "1234567"), "a number that is not 8 bytes"},
      {number_part(kTime, UINT64_MAX), "a time behind the year 2262"},
      {number_part(kTimeHigh, UINT64_MAX), "a time behind the year 2262"},
      {part(6, ""), "values without their count"},
      {part(6, std::string(2, '\0')), "values of another length than their count says"},
      {part(6, "\xff\xff"), "values of another length than their count says"},
      {values_part({{4, std::string(8, 'x')}}),
       "a value that is no counter, gauge, derive or absolute"},
      {part(0x0200, "short"), "a signature without a user"},
      {part(0x0210, ""), "an encrypted part without user, vector and checksum"},
      {part(0x0210, "\xff\xff"), "an encrypted part without user, vector and checksum"},
  }));
  CAPTURE(problem);
  const Feed feed = fed(good + bad, with_tables());
  REQUIRE(feed.events().size() == 1);
  CHECK(feed.events()[0].starts_with("{\"error\":\"" + problem +
                                     "\",\"error_offset\":" + std::to_string(good.size()) + ','));
  CHECK(feed.records()[0].bytes == good + bad);
  CHECK(refusal(fed(good + bad, with_tables(), {.unparsed = Unparsed::kQuarantine})) == "unparsed");
}

TEST_CASE("collectd: names and messages are as long as collectd's own at most", "[collectd]") {
  const std::string most(127, 'n'), message(255, 'm');
  const std::string good = text_part(kHost, most) + text_part(kPlugin, most) + text_part(3, most) +
                           text_part(kType, most) + text_part(kTypeInstance, most);
  CHECK(fed(good + values_part({gauge(1)})).counts().unparsed == 0);
  CHECK(fed(good + text_part(kMessage, message)).counts().unparsed == 0);
  for (const std::uint16_t type : std::vector<std::uint16_t>{0, 2, 3, 4, 5}) {
    const Feed feed = fed(good + text_part(type, most + 'n') + values_part({gauge(1)}));
    REQUIRE(feed.events().size() == 1);
    CHECK(
        feed.events()[0].starts_with(R"({"error":"a name of more than 127 bytes","error_offset":)" +
                                     std::to_string(good.size() + 4 + 127) + ','));
  }
  CHECK(fed(good + text_part(kMessage, message + 'm'))
            .events()[0]
            .starts_with(R"({"error":"a message of more than 255 bytes","error_offset":)" +
                         std::to_string(good.size() + 4 + 255) + ','));
}

TEST_CASE("collectd: any beginning of a datagram is malformed, or has whole parts", "[collectd]") {
  const std::string packet = cpu_packet();
  for (std::size_t size = 1; size < packet.size(); ++size) {
    CAPTURE(size);
    const Feed feed = fed(packet.substr(0, size));
    CHECK((feed.counts().unparsed == 1 || feed.counts().empty == 1));
  }
}

TEST_CASE("collectd: every byte of a datagram may be wrong", "[collectd]") {
  for (const std::string& packet : {cpu_packet(), sign(cpu_packet(), "alice", "secret"),
                                    encrypt(cpu_packet(), "alice", "secret")}) {
    for (std::size_t at = 0; at < packet.size(); ++at) {
      for (const char byte : {'\0', '\x01', '\x7f', '\xff'}) {
        std::string bad = packet;
        bad[at] = byte;
        CHECK(fed(bad, with_tables()).counts().frames >= 1);
      }
    }
  }
}

TEST_CASE("collectd: signed and encrypted datagrams", "[collectd]") {
  const std::string plain = cpu_packet(), signed_one = sign(plain, "alice", "secret"),
                    secret = encrypt(plain, "alice", "secret");
  const auto taken = [](const std::string& datagram, Security security) {
    const Feed feed = fed(datagram, with_tables(security));
    if (feed.events().empty()) return refusal(feed);
    CHECK(feed.events()[0].starts_with(
        R"({"name":"cpu.cpu","kind":"derive","fields":{"value":1234})"));
    return std::string("taken");
  };
  CHECK(taken(plain, Security::kNone) == "taken");
  CHECK(taken(signed_one, Security::kNone) == "taken");
  CHECK(taken(secret, Security::kNone) == "taken");
  CHECK(taken(plain, Security::kSign) == "refused");
  CHECK(taken(signed_one, Security::kSign) == "taken");
  CHECK(taken(secret, Security::kSign) == "taken");
  CHECK(taken(plain, Security::kEncrypt) == "refused");
  CHECK(taken(signed_one, Security::kEncrypt) == "refused");
  CHECK(taken(secret, Security::kEncrypt) == "taken");
  CHECK(taken(plain + signed_one, Security::kSign) == "refused");
  CHECK(taken(signed_one + secret, Security::kSign) == "refused");  // more than was signed
  CHECK(taken(secret + plain, Security::kEncrypt) == "refused");
}

TEST_CASE("collectd: what is malformed is unparsed only where it is as collectd.security asks",
          "[collectd]") {
  const std::string text = "hello, I am not encrypted at all", bad = part(kHost, "no end");
  const std::string secret = encrypt(cpu_packet(), "alice", "secret");
  for (const Security security : {Security::kSign, Security::kEncrypt}) {
    for (const std::string& datagram : {text, bad, secret + bad, secret + text}) {
      const Feed feed = fed(datagram, with_tables(security));
      CHECK(refusal(feed) == "refused");
      CHECK(feed.events().empty());
    }
    CHECK(fed(encrypt(bad, "alice", "secret"), with_tables(security)).counts().unparsed == 1);
  }
  CHECK(fed(sign(bad, "alice", "secret"), with_tables(Security::kSign)).counts().unparsed == 1);
  CHECK(refusal(fed(sign(bad, "alice", "secret"), with_tables(Security::kEncrypt))) == "refused");
  CHECK(fed(text, with_tables()).counts().unparsed == 1);
}

TEST_CASE("collectd: wrong users, passwords and bytes are refused", "[collectd]") {
  const std::string plain = cpu_packet();
  for (const std::string& bad :
       {sign(plain, "mallory", "secret"), sign(plain, "alice", "guess"),
        sign(plain, "alice", "secret") + part(0x7fff, ""), encrypt(plain, "mallory", "secret"),
        encrypt(plain, "alice", "guess")}) {
    CHECK(refusal(fed(bad, with_tables())) == "refused");
    CHECK(refusal(fed(bad, with_tables(Security::kSign))) == "refused");
  }
}

TEST_CASE("collectd: without users signatures are believed, and encrypted parts are refused",
          "[collectd]") {
  CHECK(fed(sign(cpu_packet(), "alice", "secret")).events() == Lines{kCpuEvent});
  CHECK(refusal(fed(encrypt(cpu_packet(), "alice", "secret"))) == "refused");
  CHECK(refusal(fed(sign(cpu_packet(), "alice", "secret"), {.security = Security::kSign})) ==
        "refused");
}

TEST_CASE("collectd: encrypted parts do not nest", "[collectd]") {
  std::string packet = cpu_packet();
  for (int i = 0; i < 2; ++i) packet = encrypt(packet, "alice", "secret");
  const Feed feed = fed(packet, with_tables());
  CHECK(feed.counts().unparsed == 1);
}

TEST_CASE("collectd: values behind an encrypted part and several of them", "[collectd]") {
  const std::string secret = encrypt(cpu_packet(), "alice", "secret");
  const Feed feed = fed(secret + cpu_packet() + secret, with_tables());
  CHECK(feed.events().size() == 3);
}

TEST_CASE("collectd: a datagram that the kernel cut is oversize", "[collectd]") {
  Feed feed(make_collectd_decoder({}, {}));
  feed.datagram(cpu_packet(), 5000);
  CHECK(refusal(feed) == "oversize");
}
