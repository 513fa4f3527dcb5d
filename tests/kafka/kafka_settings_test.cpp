#include "server/config/kafka_settings.h"

#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using Lines = std::vector<std::string>;

namespace {

const std::string kKafka = test::kListener +
                           "[[sink]]\nname = \"out\"\ntype = \"kafka\"\nbrokers = \"b:9092\"\n"
                           "topic = \"logs\"\n";

Lines problems(const std::string& lines) { return test::problems_of(kKafka + lines); }

}  // namespace

TEST_CASE("a kafka sink and its options, in both forms of TOML", "[config][kafka]") {
  const std::string text =
      kKafka +
      "[sink.kafka]\n\"compression.type\" = \"zstd\"\nlinger.ms = 20\n"
      "ssl.endpoint.identification.algorithm = \"none\"\nsocket.keepalive.enable = true\n";
  CHECK(test::problems_of(text) == Lines{});
  const config::KafkaSink sink = test::config_of(text).sinks.front().kafka;
  CHECK(sink.brokers == Lines{"b:9092"});
  CHECK(sink.topic == "logs");
  CHECK(test::config_of(text).sinks.front().headers);
  REQUIRE(sink.options.size() == 4);
  CHECK(sink.options[0].name == "compression.type");
  CHECK(sink.options[1].name == "linger.ms");
  CHECK(sink.options[1].value == "20");
  CHECK(sink.options[2].name == "ssl.endpoint.identification.algorithm");
  CHECK(sink.options[3].value == "true");
}

TEST_CASE("options: unknown ones, bad values, and those that would break the promise",
          "[config][kafka]") {
  const auto [option, place, problem] = GENERATE(table<std::string, std::string, std::string>({
      {"\"compresion.type\" = \"zstd\"", "10:1",
       "\"compresion.type\": librdkafka refuses it: No such configuration property: "
       "\"compresion.type\""},
      {"compression.type = \"rar\"", "10:20",
       "\"compression.type\": librdkafka refuses it: Invalid value \"rar\" for configuration "
       "property \"compression.codec\""},
      {"acks = 1", "10:8",
       "\"acks\": expected \"all\": a record that only some replicas have would count as "
       "delivered and could be lost with them"},
      {"enable.idempotence = false", "10:22",
       "\"enable.idempotence\": expected true: without it librdkafka's own retries write records "
       "twice and in another order"},
      {"delivery.report.only.error = true", "10:30",
       "\"delivery.report.only.error\": expected false: without reports of success nothing would "
       "ever count as delivered"},
      {"bootstrap.servers = \"x\"", "10:21",
       "\"bootstrap.servers\": not here, the sink's key brokers names them"},
      {"dr_msg_cb = \"x\"", "10:13",
       "\"dr_msg_cb\": librdkafka refuses it: Property \"dr_msg_cb\" must be set through dedicated "
       ".._set_..() function"},
      {"linger.ms = \"\"", "10:13",
       "\"linger.ms\": expected a text, a whole number, true or false, got an empty string"},
      {"sasl.password = \"${file:/nowhere}\"", "10:17",
       "\"sasl.password\": read \"/nowhere\": no such file or directory"},
      {"linger.ms = [1]", "10:13",
       "\"linger.ms\": expected a text, a whole number, true or false, got a list"},
  }));
  CAPTURE(option);
  const Lines told = problems("[sink.kafka]\n" + option + "\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0].starts_with("t.toml:" + place + ": sink \"out\": kafka: " + problem));
}

TEST_CASE("options that only do not go together are told at their table", "[config][kafka]") {
  const Lines told = problems("[sink.kafka]\nmax.in.flight = 100\n");
  REQUIRE(told.size() == 1);
  CHECK(
      told[0].starts_with("t.toml:9:1: sink \"out\": kafka: librdkafka refuses these settings: "));
  CHECK(told[0].find("max.in.flight") != std::string::npos);
}

TEST_CASE("a secret that is wrong is not shown", "[config][kafka]") {
  const Lines told = problems("[sink.kafka]\nsecurity.protocol = \"${PATH}\"\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0] ==
        "t.toml:10:21: sink \"out\": kafka: \"security.protocol\": librdkafka refuses what "
        "\"${PATH}\" expands to");
}

TEST_CASE("secrets among the options are hidden where the configuration is shown",
          "[config][kafka]") {
  const std::string option =
      GENERATE(as<std::string>{}, "sasl.password", "\"sasl.password\"", "ssl.key.password",
               "ssl.key.pem", "\"ssl.key.pem\"", "ssl.keystore.password",
               "sasl.oauthbearer.client.secret", "sasl.oauthbearer.config");
  const std::string shown =
      test::config_of(kKafka + "[sink.kafka]\n" + option + " = \"hush\"\n").shown_text;
  CHECK(shown.find("hush") == std::string::npos);
  CHECK(shown.find(option + " = \"(hidden)\"") != std::string::npos);
}

TEST_CASE("where records go must be said, and in the right form", "[config][kafka]") {
  const std::string sink = "[[sink]]\nname = \"out\"\ntype = \"kafka\"\n";
  CHECK(test::problems_of(test::kListener + sink) ==
        Lines{"t.toml:4:1: sink \"out\": brokers: missing, a kafka sink needs it",
              "t.toml:4:1: sink \"out\": topic: missing, a kafka sink needs it"});
  CHECK(test::problems_of(test::kListener + sink +
                          "brokers = [\"kafka://b:1\"]\ntopic = \"{host}\"\n") ==
        Lines{"t.toml:7:12: sink \"out\": brokers: expected HOST:PORT (or HOST, which is port "
              "9092), got \"kafka://b:1\"",
              "t.toml:8:9: sink \"out\": topic: unknown placeholder \"{host}\", expected "
              "{listener}, {peer}, {url}, {scheme} or {field:NAME}"});
}

TEST_CASE("keys of files have no place in a kafka sink, nor the other way round",
          "[config][kafka]") {
  CHECK(
      problems("path = \"x\"\nsync = \"always\"\nnewlines = \"keep\"\ntimezone = \"local\"\n") ==
      Lines{"t.toml:9:1: sink \"out\": path: a sink of type \"kafka\" has none, only \"file\" has",
            "t.toml:10:1: warning: sink \"out\": sync: no effect: only for type \"file\", this is "
            "\"kafka\"",
            "t.toml:11:1: warning: sink \"out\": newlines: no effect: a message may hold "
            "any bytes"});
  CHECK(
      test::problems_of(test::kGood + "topic = \"x\"\nheaders = true\nkafka = { acks = 1 }\n") ==
      Lines{
          "t.toml:7:1: sink \"out\": topic: only a sink of type \"kafka\" has it",
          "t.toml:8:1: warning: sink \"out\": headers: no effect: only sinks of type \"kafka\" and "
          "\"nats\" have it",
          "t.toml:9:1: warning: sink \"out\": kafka: no effect: only a sink of type \"kafka\" "
          "has it"});
}
