#include <catch2/catch.hpp>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "protocols/forward/client.h"
#include "protocols/forward/message.h"
#include "protocols/forward/values.h"
#include "server/sinks/relay/forward_link.h"
#include "server/sinks/relay/relay_sink.h"
#include "tests/sinks/batches.h"
#include "tests/sinks/relay/receiver.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;
using namespace std::chrono_literals;

namespace {

const Origin kOrigin{"one", "tcp://127.0.0.1:1"}, kOther{"two", "tcp://127.0.0.1:2"};

config::Sink forward_to(const std::string& url) {
  config::Sink sink{.name = "out", .type = config::SinkType::kRelay};
  sink.relay.to.push_back({url, {}});
  sink.relay.protocol = config::RelayProtocol::kForward;
  return sink;
}

struct Got {
  std::string tag, entries, chunk;
};

/// A connection of the sink's, as its receiver sees it.
class ChunkReader {
 public:
  explicit ChunkReader(UniqueFd fd) : fd_(std::move(fd)) {}

  /// The chunks that have come since.
  std::vector<Got> chunks_now() {
    rest_ += read_now(fd_.get(), &ended_);
    std::vector<Got> got;
    for (;;) {
      msgpack::ValueScan scan({.max_bytes = 16u << 20, .max_depth = 64});
      if (scan.run(rest_) != msgpack::ValueScan::Status::kWhole) return got;
      forward::Message message;
      REQUIRE_FALSE(forward::parse_message(rest_, scan, message));
      got.push_back({std::string(message.tag), std::string(message.entries),
                     std::string(forward::text_of(message.chunk))});
      rest_.erase(0, scan.size());
    }
  }
  void acknowledge(const std::string& chunk) {
    std::string answer = "\x81";
    forward::append_text(answer, "ack");
    forward::append_text(answer, chunk);
    REQUIRE(::send(fd_.get(), answer.data(), answer.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(answer.size()));
  }
  bool ended() const { return ended_; }
  int fd() const { return fd_.get(); }

 private:
  UniqueFd fd_;
  std::string rest_;
  bool ended_ = false;
};

std::vector<std::string> numbered(std::size_t count, std::size_t size) {
  std::vector<std::string> records;
  for (std::size_t i = 0; i < count; ++i) {
    records.push_back(std::to_string(i) + ' ');
    records.back().resize(size, 'x');
  }
  return records;
}

/// Many chunks.
Batch large() {
  return BatchBuilder(std::size_t{4} << 20).lines(kOrigin, {}, 7, numbered(30'000, 100)).take();
}

/// The sink's thread, as long as `batch` is pending and `more` says so.
WriteStatus drive(Sink& sink, const Batch& batch, WriteStatus status,
                  const std::function<bool()>& more) {
  eventually([&] {
    if (status == WriteStatus::kRetry) status = sink.write(batch);
    if (status == WriteStatus::kPending)
      for (const Finished& finished : sink.poll(5ms)) status = finished.status;
    return !more() || status == WriteStatus::kDelivered;
  });
  return status;
}

}  // namespace

TEST_CASE("relay forward: delivered is what is acknowledged, in whatever order",
          "[relay][forward]") {
  const TempDir folder;
  const bool local = GENERATE(false, true);
  const std::string url = local ? "unix://" + (folder / "relay.sock") : "tcp://127.0.0.1:0";
  Receiver receiver(url);
  RelaySink sink(forward_to(receiver.url()));
  REQUIRE(sink.open());
  const Batch batch = large();
  WriteStatus status = sink.write(batch);
  ChunkReader reader(receiver.accept());
  std::vector<Got> got;
  std::size_t bytes = 0;
  const std::size_t all = 30'000 * (1 + 10 + 1 + 8 + 2 + 100);
  status = drive(sink, batch, status, [&] {
    for (Got& one : reader.chunks_now()) bytes += got.emplace_back(std::move(one)).entries.size();
    return bytes < all;
  });
  CHECK(status == WriteStatus::kPending);
  CHECK(bytes == all);
  CHECK(got.size() == 14);
  CHECK(got.front().tag == "one");
  for (std::size_t at = got.size(); at-- > 1;) reader.acknowledge(got[at].chunk);
  for (int turns = 0; turns < 3; ++turns) CHECK(sink.poll(1ms).empty());
  reader.acknowledge(got[0].chunk);
  CHECK(drive(sink, batch, status, [] { return true; }) == WriteStatus::kDelivered);
  REQUIRE(::shutdown(reader.fd(), SHUT_WR) == 0);
  REQUIRE(sink.close());
  CHECK(reader.chunks_now().empty());
  CHECK(reader.ended());
}

TEST_CASE("relay forward: what is not acknowledged comes again under its id", "[relay][forward]") {
  Receiver receiver("tcp://127.0.0.1:0");
  RelaySink sink(forward_to(receiver.url()));
  REQUIRE(sink.open());
  const Batch batch = large();
  WriteStatus status = sink.write(batch);
  std::map<std::string, std::string> delivered;  // entries by chunk
  std::set<std::string> seen;
  std::size_t again = 0;
  // Each connection but the last acknowledges two chunks, has read a third and says no more.
  for (int connection = 0; status != WriteStatus::kDelivered && connection < 30; ++connection) {
    UniqueFd peer;
    status = drive(sink, batch, status, [&] { return !(peer = receiver.accept_now()); });
    REQUIRE(peer);
    ChunkReader reader(std::move(peer));
    std::size_t count = 0;
    status = drive(sink, batch, status, [&] {
      for (const Got& got : reader.chunks_now()) {
        again += seen.insert(got.chunk).second ? 0 : 1;
        if (count++ >= 2) continue;
        CHECK(delivered.emplace(got.chunk, got.entries).second);
        reader.acknowledge(got.chunk);
      }
      return count < 3;
    });
  }
  CHECK(status == WriteStatus::kDelivered);
  CHECK(delivered.size() == 14);
  CHECK(again >= 5);
  std::size_t bytes = 0;
  for (const auto& [chunk, entries] : delivered) bytes += entries.size();
  CHECK(bytes == 30'000 * (1 + 10 + 1 + 8 + 2 + 100));
  REQUIRE(sink.close());
}

TEST_CASE("relay forward: a chunk has one tag", "[relay][forward]") {
  Receiver receiver("tcp://127.0.0.1:0");
  config::Sink config = forward_to(receiver.url());
  config.relay.forward.tag = GENERATE("", "from.{listener}", "{field:none}");
  const std::string head = config.relay.forward.tag == "from.{listener}" ? "from." : "";
  RelaySink sink(config);
  REQUIRE(sink.open());
  const Batch batch = BatchBuilder()
                          .lines(kOrigin, {}, 0, {"a", "b"})
                          .lines(kOther, {}, 0, {"c"})
                          .lines(kOrigin, {}, 0, {"d"})
                          .lines(kOrigin, {}, 0, {"e"})
                          .take();
  WriteStatus status = sink.write(batch);
  ChunkReader reader(receiver.accept());
  std::vector<std::string> tags;
  std::vector<std::size_t> sizes;
  status = drive(sink, batch, status, [&] {
    for (const Got& got : reader.chunks_now()) {
      tags.push_back(got.tag);
      sizes.push_back(got.entries.size());
      reader.acknowledge(got.chunk);
    }
    return true;
  });
  CHECK(status == WriteStatus::kDelivered);
  CHECK(tags == std::vector<std::string>{head + "one", head + "two", head + "one"});
  CHECK(sizes == std::vector<std::size_t>{2 * 22, 22, 2 * 22});
}

TEST_CASE("relay forward: no more chunks are under way than may wait", "[relay][forward]") {
  const ForwardSending sending{.ack_timeout = 1s};
  ForwardLink link(sending);
  const auto now = ForwardLink::Clock::time_point{};
  link.begin(now);
  REQUIRE(link.ready());
  for (std::size_t at = 0; at < ForwardLink::kMostAwaited; ++at) {
    REQUIRE(link.has_room());
    link.sending("same", at + 1, now);
  }
  CHECK_FALSE(link.has_room());
  std::string reply;
  const std::string ack =
      "\x81\xa3"
      "ack\xa4same";
  CHECK(link.hear(ack, reply, now).empty());
  CHECK(link.has_room());
  CHECK(link.arrived() == 1);
  CHECK(link.awaited() == ForwardLink::kMostAwaited - 1);
}

TEST_CASE(
    "relay forward: the time for an acknowledgement runs while one is owed, from the last one on",
    "[relay][forward]") {
  const ForwardSending sending{.ack_timeout = 1s};
  ForwardLink link(sending);
  const auto begin = ForwardLink::Clock::time_point{};
  link.begin(begin);
  CHECK(link.overdue(begin + 1h).empty());
  link.sending("a", 1, begin + 1h);
  link.sending("b", 2, begin + 1h + 900ms);
  CHECK(link.overdue(begin + 1h + 999ms).empty());
  CHECK(link.overdue(begin + 1h + 1s) ==
        "no acknowledgement for 1000 ms, 2 chunks wait for theirs");
  std::string reply;
  CHECK(link.hear("\x81\xa3"
                  "ack\xa1"
                  "a",
                  reply, begin + 1h + 999ms)
            .empty());
  CHECK(link.overdue(begin + 1h + 1998ms).empty());
  CHECK_FALSE(link.overdue(begin + 1h + 1999ms).empty());
  CHECK(link.hear("\x81\xa3"
                  "ack\xa1"
                  "c",
                  reply, begin) == "it acknowledges a chunk that it was not sent");
}

TEST_CASE("relay forward: the time for the handshake", "[relay][forward]") {
  ForwardSending sending{.ack_timeout = 1h};
  sending.secrets = ForwardClientSecrets{.shared_key = "key"};
  ForwardLink link(sending);
  const auto begin = ForwardLink::Clock::time_point{};
  link.begin(begin);
  CHECK_FALSE(link.ready());
  CHECK(link.overdue(begin + 9s).empty());
  CHECK_FALSE(link.overdue(begin + ForwardLink::kHandshakePatience).empty());
}
