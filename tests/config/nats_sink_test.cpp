#include <catch2/catch.hpp>
#include <string>
#include <tuple>
#include <vector>

#include "tests/config/load_texts.h"

using namespace penstock;
using test::config_of;
using test::problems_of;

namespace {

const std::string kNats =
    "[[sink]]\nname = \"out\"\ntype = \"nats\"\nservers = \"nats://n1:4222\"\n";
const std::string kNatsWithSubject = kNats + "subject = \"logs.{listener}\"\n";

}  // namespace

TEST_CASE("nats sink: its keys", "[config][nats]") {
  const auto sink =
      config_of(test::kListener +
                "[[sink]]\nname = \"out\"\ntype = \"nats\"\n"
                "servers = [\"nats://n1\", \"tls://[::1]:4333\"]\nsubject = \"a.{field:host}.%Y\"\n"
                "headers = false\ntimezone = \"local\"\n[sink.nats]\nstream = \"A\"\n"
                "create_stream = true\nreplicas = 3\nstorage = \"memory\"\nuser = \"u\"\n"
                "password = \"p\"\nca_file = \"/a\"\nclient_cert = \"/b\"\nclient_key = \"/c\"\n"
                "ack_timeout = \"2s\"\nmax_in_flight = 100\n")
          .sinks.at(0);
  CHECK(sink.type == config::SinkType::kNats);
  CHECK_FALSE(sink.headers);
  const config::NatsSink& nats = sink.nats;
  CHECK(nats.servers == std::vector<std::string>{"nats://n1", "tls://[::1]:4333"});
  CHECK(nats.subject == "a.{field:host}.%Y");
  CHECK(nats.stream == "A");
  CHECK((nats.create_stream && nats.replicas == 3));
  CHECK(nats.storage == config::NatsStorage::kMemory);
  CHECK((nats.user == "u" && nats.password == "p"));
  CHECK((nats.ca_file == "/a" && nats.client_cert == "/b" && nats.client_key == "/c"));
  CHECK(nats.ack_timeout == std::chrono::seconds(2));
  CHECK(nats.max_in_flight == 100);
}

TEST_CASE("nats sink: one way to say who it is", "[config][nats]") {
  const std::string way =
      GENERATE(as<std::string>{}, "user = \"u\"\nnats.password = \"p\"", "token = \"t\"",
               "credentials_file = \"/c\"", "nkey = \"U\"\nnats.nkey_seed_file = \"/s\"");
  CHECK(problems_of(test::kListener + kNatsWithSubject + "nats." + way + "\n").empty());
}

TEST_CASE("nats sink: what is wrong is told with its place", "[config][nats]") {
  const auto [line, problem] = GENERATE(table<std::string, std::string>({
      {"nats.max_in_flight = 0", "sink \"out\": nats.max_in_flight: expected 1 to 100000, got 0"},
      {"nats.stream = \"a.b\"",
       "sink \"out\": nats.stream: expected at most 255 bytes without blanks and . * > / \\ "
       "\", "
       "got \"a.b\""},
      {"nats.create_stream = true",
       "sink \"out\": nats.create_stream: expected nats.stream beside it, the name of the "
       "stream"},
      {"nats.replicas = 3",
       "warning: sink \"out\": nats.replicas: no effect: nats.create_stream is not true, the "
       "stream has its own"},
      {"nats.user = \"u\"", "sink \"out\": nats.user: expected nats.password beside it"},
      {"nats.nkey_seed_file = \"/s\"",
       "sink \"out\": nats.nkey_seed_file: expected nats.nkey beside it"},
      {"nats = { token = \"t\", credentials_file = \"/c\" }",
       "sink \"out\": nats.credentials_file: expected one way to say who this is, got "
       "nats.token too"},
      {"nats.ca_file = \"/a\"",
       "warning: sink \"out\": nats.ca_file: no effect: no server begins with tls://"},
      {"newlines = \"keep\"",
       "warning: sink \"out\": newlines: no effect: a message may hold any bytes"},
      {"brokers = \"b:1\"", "sink \"out\": brokers: only a sink of type \"kafka\" has it"},
  }));
  CAPTURE(line);
  const auto told = problems_of(test::kListener + kNatsWithSubject + line + "\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0].starts_with("t.toml:9:"));
  CHECK(told[0].ends_with(": " + problem));
}

TEST_CASE("nats sink: subjects that no stream takes", "[config][nats]") {
  const auto [subject, why] = GENERATE(table<std::string, std::string>({
      {"a b", "expected a subject without blanks"},
      {"logs.*", "expected a subject without the wildcards * and >"},
      {"logs.>", "expected a subject without the wildcards * and >"},
      {".a", "expected something before, between and behind dots"},
      {"{peer}.", "expected something before, between and behind dots"},
      {"a..{peer}", "expected something before, between and behind dots"},
      {"$$JS.API.{peer}", "expected another beginning than $, which is the server's own"},
  }));
  CAPTURE(subject);
  const auto told = problems_of(test::kListener + kNats + "subject = \"" + subject + "\"\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("subject: " + why) != std::string::npos);
}

TEST_CASE("nats sink: servers that are none", "[config][nats]") {
  const auto [server, why] = GENERATE(table<std::string, std::string>({
      {"n1:4222", "expected a URL that begins with nats:// or tls://, got \"n1:4222\""},
      {"nats://:4222", "expected a host behind ://, got \"nats://:4222\""},
      {"nats://a,nats://b",
       "expected HOST or HOST:PORT behind :// and nothing else, got \"nats://a,nats://b\""},
      {"nats://u:secret@n1",
       "expected a URL without user and password, which are nats.user and nats.password"},
  }));
  CAPTURE(server);
  const auto told = problems_of(test::kListener + "[[sink]]\nname = \"out\"\ntype = \"nats\"\n" +
                                "subject = \"a\"\nservers = \"" + server + "\"\n");
  REQUIRE(told.size() == 1);
  CHECK(told[0].ends_with("servers: " + why));
}

TEST_CASE("nats sink: a stream that is made takes subjects of one beginning", "[config][nats]") {
  const std::string made = "nats.stream = \"A\"\nnats.create_stream = true\n";
  CHECK(problems_of(test::kListener + kNatsWithSubject + made).empty());
  const auto told = problems_of(test::kListener + kNats + "subject = \"{listener}.logs\"\n" + made);
  REQUIRE(told.size() == 1);
  CHECK(told[0].find("subject: expected a first part that is always the same") !=
        std::string::npos);
}

TEST_CASE("nats sink: what it must have, and what others must not", "[config][nats]") {
  CHECK(problems_of(test::kListener + "[[sink]]\nname = \"out\"\ntype = \"nats\"\n").size() == 2);
  const std::string file = "[[sink]]\nname = \"out\"\npath = \"a.log\"\n";
  const auto told = problems_of(test::kListener + file + "subject = \"a\"\nnats.token = \"t\"\n");
  REQUIRE(told.size() == 2);
  for (const auto& one : told) CHECK(one.ends_with("only a sink of type \"nats\" has it"));
}
