#include "server/sinks/nats/nats_answer.h"

#include <catch2/catch.hpp>
#include <string>

using namespace penstock;
using Kind = NatsAnswer::Kind;

TEST_CASE("answers of nats-server to a message", "[nats]") {
  std::string json, text;
  Kind kind{};
  std::tie(json, kind, text) = GENERATE(table<std::string, Kind, std::string>({
      {R"({"stream":"LOGS", "seq":1})", Kind::kStored, ""},
      {R"({"stream":"LOGS", "domain":"hub", "seq":18446744073709551615})", Kind::kStored, ""},
      {R"({"stream":"LOGS", "seq":7,"duplicate": true})", Kind::kDuplicate, ""},
      {R"({"error":{"code":400,"err_code":10054,"description":"message size exceeds maximum allowed"},"stream":"LOGS","seq":0})",
       Kind::kRefused, "message size exceeds maximum allowed (10054)"},
      {R"({"error":{"code":400,"err_code":10097,"description":"header size exceeds maximum allowed of 64k"},"stream":"LOGS","seq":0})",
       Kind::kRefused, "header size exceeds maximum allowed of 64k (10097)"},
      {R"({"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"},"stream":"LOGS","seq":0})",
       Kind::kError, "maximum bytes exceeded (10077)"},
      {R"({"error":{"code":400,"err_code":10060,"description":"expected stream does not match"},"stream":"X","seq":0})",
       Kind::kError, "expected stream does not match (10060)"},
      {R"({"error":{"code":503}})", Kind::kError, "no reason given (-1)"},
      {R"({"error":{"code":500,"err_code":0,"description":"odd"},"seq":9})", Kind::kError,
       "odd (0)"},
      {R"({"stream":"LOGS", "seq":0})", Kind::kError,
       R"(what answered is no JetStream: {"stream":"LOGS", "seq":0})"},
      {"+OK", Kind::kError, "what answered is no JetStream: +OK"},
      {"", Kind::kError, "what answered is no JetStream: "},
  }));
  CAPTURE(json);
  const NatsAnswer answer = read_nats_answer(json);
  CHECK(answer.kind == kind);
  CHECK(answer.text == text);
}

TEST_CASE("answers of nats-server to the order of a stream", "[nats]") {
  CHECK(
      why_no_stream(
          R"({"type":"io.nats.jetstream.api.v1.stream_create_response","config":{},"did_create":true})") ==
      "");
  CHECK(
      why_no_stream(
          R"({"error":{"code":400,"err_code":10058,"description":"stream name already in use with a different configuration"}})") ==
      "");
  CHECK(
      why_no_stream(
          R"({"error":{"code":400,"err_code":10065,"description":"subjects overlap with an existing stream"}})") ==
      "subjects overlap with an existing stream (10065)");
  CHECK(why_no_stream("?") == "what answered is no JetStream: ?");
}
