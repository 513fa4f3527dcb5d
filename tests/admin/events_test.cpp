#include "server/admin/events.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/admin/status_support.h"

namespace penstock::admin {
namespace {

using Read = HttpStream::Status;

/// All that the stream has now, taken in pieces of `room` bytes.
std::string read_all(HttpStream& stream, std::size_t room) {
  std::string text;
  std::vector<char> piece(room);
  for (;;) {
    const HttpStream::Read read = stream.read(piece);
    if (read.status != Read::kBytes) {
      CHECK(read.status == Read::kNothingYet);
      return text;
    }
    REQUIRE(read.bytes > 0);
    REQUIRE(read.bytes <= room);
    text.append(piece.data(), read.bytes);
  }
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
    ++found;
  return found;
}

TEST_CASE("events: history first, then the newest look, whatever the pieces", "[admin][events]") {
  const std::size_t room = GENERATE(std::size_t{1}, std::size_t{7}, std::size_t{100'000});
  CAPTURE(room);
  Events events;
  events.publish(status_at(100));
  events.publish(status_at(101));
  const HttpReply reply = events.open();
  CHECK(reply.type == "text/event-stream");
  const std::string text = read_all(*reply.stream, room);
  CHECK(text.starts_with("event: history\ndata: {\"points_max\":600,\"time\":[101000],"));
  CHECK(count(text, "event: ") == 2);
  CHECK(text.find("\n\nevent: status\ndata: {\"version\"") != std::string::npos);
  CHECK(text.find("1970-01-01T00:01:41") != std::string::npos);
  CHECK(text.find("\"rates\":{\"interval_seconds\":1.0,") != std::string::npos);
  CHECK(text.ends_with("}\n\n"));
}

TEST_CASE("events: each look once, and only the newest to a reader that was away",
          "[admin][events]") {
  Events events;
  const HttpReply reply = events.open();
  CHECK(count(read_all(*reply.stream, 4096), "event: status") == 0);  // nobody has looked yet
  events.publish(status_at(1));
  CHECK(count(read_all(*reply.stream, 4096), "event: status") == 1);
  CHECK(read_all(*reply.stream, 4096).empty());
  for (int second = 2; second < 10; ++second) events.publish(status_at(second));
  const std::string text = read_all(*reply.stream, 4096);
  CHECK(count(text, "event: status") == 1);
  CHECK(text.find("1970-01-01T00:00:09") != std::string::npos);
}

TEST_CASE("events: a reader that takes too long over one event is dropped", "[admin][events]") {
  Events events(std::chrono::milliseconds(0));
  events.publish(status_at(1));
  const HttpReply reply = events.open();
  std::array<char, 10> room{};
  CHECK(reply.stream->read(room).status == Read::kBytes);
  CHECK(reply.stream->read(room).status == Read::kEnd);
}

TEST_CASE("events: text of others cannot end an event", "[admin][events]") {
  Events events;
  Status status = status_at(1);
  status.sinks = {sink_named("s")};
  status.sinks[0].failing = true;
  status.sinks[0].last_error = "no\n\nevent: status\ndata: {}\n\n";
  events.publish(status);
  const HttpReply reply = events.open();
  const std::string text = read_all(*reply.stream, 4096);
  CHECK(count(text, "\n\n") == 2);
  CHECK(count(text, "\nevent: status") == 1);
}

}  // namespace
}  // namespace penstock::admin
