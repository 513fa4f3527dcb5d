#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::problems_of;
using Lines = std::vector<std::string>;

namespace {

const std::string kRelay =
    test::kListener + "[[sink]]\nname = \"out\"\ntype = \"relay\"\nto = \"tcp://a:1\"\n";

config::Sink sink_of(const std::string& lines) { return test::config_of(kRelay + lines).sinks[0]; }

}  // namespace

TEST_CASE("relay: keys against type and framing", "[config][relay]") {
  const auto [lines, problem] = GENERATE(table<std::string, std::string>({
      {"balance = \"hash\"", "8:1: warning: sink \"out\": balance: no effect: to has one URL"},
      {"path = \"x\"",
       "8:1: sink \"out\": path: a sink of type \"relay\" has none, only \"file\" has"},
      {"sync = \"always\"",
       "8:1: warning: sink \"out\": sync: no effect: only for type \"file\", this is \"relay\""},
      {"framing = \"delimiter\"",
       "8:11: sink \"out\": delimiter: missing, framing = \"delimiter\" needs it, such as "
       "delimiter = '\\r\\n'"},
      {"framing = \"fixed\"",
       "8:11: sink \"out\": frame_bytes: missing, framing = \"fixed\" needs it, such as "
       "frame_bytes = 512"},
      {"delimiter = \"|\"", "8:1: sink \"out\": delimiter: only framing = \"delimiter\" has it"},
      {"length.bytes = 2",
       "8:8: sink \"out\": length.bytes: only framing = \"length_prefixed\" has it"},
      {"framing = \"lines\"",
       "8:11: sink \"out\": framing: expected \"newline\", \"crlf\", \"nul\", \"octet_counted\", "
       "\"syslog_auto\", \"delimiter\", \"length_prefixed\", \"varint\", \"fixed\", \"json\" or "
       "\"none\", got \"lines\""},
      {"balance = \"random\"",
       "8:11: sink \"out\": balance: expected \"failover\", \"round_robin\" or \"hash\", got "
       "\"random\""},
  }));
  CHECK(problems_of(kRelay + lines + "\n") == Lines{"t.toml:" + problem});
}

TEST_CASE("relay: keys against protocol", "[config][relay]") {
  const auto [lines, problem] = GENERATE(table<std::string, std::string>({
      {"protocol = \"syslog\"",
       "8:12: sink \"out\": protocol: expected \"raw\" or \"forward\", got \"syslog\""},
      {"forward.tag = \"x\"", "8:9: sink \"out\": forward.tag: only protocol = \"forward\" has it"},
      {"protocol = \"forward\"\nframing = \"newline\"",
       "9:1: sink \"out\": framing: only protocol = \"raw\" has it"},
      {"protocol = \"forward\"\nframe_bytes = 9",
       "9:1: sink \"out\": frame_bytes: only protocol = \"raw\" has it"},
      {"protocol = \"forward\"\nencoding = \"raw\"",
       "9:1: sink \"out\": encoding: protocol = \"forward\" has one form of records, MessagePack"},
      {"protocol = \"forward\"\nforward.tag = \"{field}\"", "9:15: sink \"out\": forward.tag: "},
      {"protocol = \"forward\"\nforward.ack_timeout = \"1ms\"",
       "9:23: sink \"out\": forward.ack_timeout: expected a duration from \"1s\" to \"1d\", such "
       "as \"190s\", got "},
      {"protocol = \"forward\"\nforward.user = \"u\"",
       "9:9: sink \"out\": forward.user: user and password_file go together, only one of them is "
       "given"},
      {"protocol = \"forward\"\nforward.user = \"u\"\nforward.password_file = \"p\"",
       "9:9: sink \"out\": forward.user: only together with shared_key_file"},
  }));
  const Lines found = problems_of(kRelay + lines + "\n");
  REQUIRE(found.size() == 1);
  CHECK(found[0].substr(0, problem.size() + 7) == "t.toml:" + problem);
}

TEST_CASE("relay: protocol forward", "[config][relay]") {
  const config::RelaySink relay =
      sink_of(
          "protocol = \"forward\"\nforward.tag = \"{listener}\"\nforward.compression = \"gzip\"\n"
          "forward.ack_timeout = \"9s\"\nforward.shared_key_file = \"k\"\nforward.user = \"u\"\n"
          "forward.password_file = \"p\"\n")
          .relay;
  CHECK(relay.protocol == config::RelayProtocol::kForward);
  CHECK(relay.forward == config::RelayForward{.tag = "{listener}",
                                              .gzip = true,
                                              .ack_timeout = std::chrono::seconds(9),
                                              .shared_key_file = "k",
                                              .user = "u",
                                              .password_file = "p"});
  CHECK(sink_of("protocol = \"forward\"\n").relay.forward == config::RelayForward{});
  CHECK(sink_of("").relay.protocol == config::RelayProtocol::kRaw);
}

TEST_CASE("relay: its keys belong to it, and it needs a receiver", "[config][relay]") {
  CHECK(problems_of(test::kGood + "to = \"tcp://a:1\"\n") ==
        Lines{"t.toml:7:1: sink \"out\": to: only a sink of type \"relay\" has it"});
  CHECK(problems_of(test::kGood + "forward.tag = \"x\"\n") ==
        Lines{"t.toml:7:9: sink \"out\": forward.tag: only a sink of type \"relay\" has it"});
  CHECK(problems_of(test::kListener + "[[sink]]\nname = \"out\"\ntype = \"relay\"\n") ==
        Lines{"t.toml:4:1: sink \"out\": to: missing, a relay sink needs the URL of a receiver, "
              "such as \"tcp://collector:5514\""});
  CHECK(problems_of(test::kListener + "[[sink]]\nname = \"out\"\ntype = \"relay\"\nto = []\n")
            .size() == 1);
}

TEST_CASE("relay: defaults: the first that answers, lines, the record's own bytes",
          "[config][relay]") {
  const config::Sink plain = sink_of("");
  REQUIRE(plain.relay.to.size() == 1);
  CHECK(plain.relay.to[0].url == "tcp://a:1");
  CHECK(plain.relay.to[0].place == config::Place{7, 6});
  CHECK(plain.relay.balance == config::Balance::kFailover);
  CHECK(plain.relay.form == FrameForm(SendFraming::kNewline));
  CHECK(plain.newlines == config::Newlines::kKeep);
  CHECK(sink_of("newlines = \"escape\"\n").newlines == config::Newlines::kEscape);
  CHECK(sink_of("encoding = \"msgpack\"\n").relay.form.framing == SendFraming::kNone);
}

TEST_CASE("relay: the parts of a framing", "[config][relay]") {
  const FrameForm form = sink_of(
                             "framing = \"length_prefixed\"\nlength = { bytes = 2, endian = "
                             "\"little\", offset = 3, includes_header = true }\n")
                             .relay.form;
  CHECK(form.framing == SendFraming::kLengthPrefixed);
  CHECK(form.length == LengthField{2, std::endian::little, 3, true});
  CHECK(sink_of("framing = \"delimiter\"\ndelimiter = '\\r\\n'\n").relay.form.delimiter == "\r\n");
  CHECK(sink_of("framing = \"fixed\"\nframe_bytes = 9\n").relay.form.frame_bytes == 9);
}
