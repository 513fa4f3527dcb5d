#include "server/admin/tap.h"

#include <catch2/catch.hpp>

#include "tests/sinks/batches.h"

using namespace penstock;
using namespace penstock::admin;
using namespace std::chrono_literals;
using test::BatchBuilder;

namespace {

const Origin kOrigin{"in", "tcp://127.0.0.1:5514"};
const Peer kAnn = test::inet_peer(192, 0, 2, 1), kBob = test::inet_peer(192, 0, 2, 22);
constexpr auto kText = TapOptions::Format::kText;
constexpr Tap::Time kStart{1000s};

struct Rig {
  explicit Rig(TapOptions options) : tap(point, std::move(options), kStart) {}

  void look(const Batch& batch) { tap.look(batch, now); }
  void look(const std::vector<std::string>& records, const Peer& peer = kAnn) {
    look(BatchBuilder(std::size_t{4} << 20).lines(kOrigin, peer, 0, records).take());
  }
  std::string read(std::size_t piece = 1 << 20) {
    std::string all, room(piece, '\0');
    while (const std::size_t bytes = tap.read(room)) all.append(room, 0, bytes);
    return all;
  }
  /// What is behind the peer.
  std::vector<std::string> messages() {
    std::vector<std::string> all;
    const std::string text = read();
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = text.find('\n', at);
      const std::size_t message = text.find(":40000 ", at);
      all.push_back(text.substr(message + 7, end - message - 7));
      at = end + 1;
    }
    return all;
  }
  std::string note_after(std::chrono::milliseconds time) {
    now += time;
    tap.note(now);
    return read();
  }

  TapPoint point{"in"};
  Tap::Time now = kStart;
  Tap tap;
};

using Messages = std::vector<std::string>;

}  // namespace

TEST_CASE("tap: shows all where nothing is asked for", "[tap]") {
  Rig rig({.format = kText});
  rig.look({"one", "two"});
  CHECK(rig.messages() == Messages{"one", "two"});
  CHECK(rig.read().empty());
}

TEST_CASE("tap: JSON is what the JSON sink writes", "[tap]") {
  Rig rig({});
  rig.look({"a\"b", "\xff"});
  CHECK(rig.read(7) ==
        R"({"time":"1970-01-01T00:00:00.000000000Z","listener":"in","url":"tcp://127.0.0.1:5514",)"
        R"("peer":{"address":"192.0.2.1","port":40000},"flags":[],"message":"a\"b"})"
        "\n"
        R"({"time":"1970-01-01T00:00:00.000000000Z","listener":"in","url":"tcp://127.0.0.1:5514",)"
        R"("peer":{"address":"192.0.2.1","port":40000},"flags":[],"message":")"
        "\xef\xbf\xbd"
        R"(","message_base64":"/w=="})"
        "\n");
}

TEST_CASE("tap: filters by part of the peer and by part of the message", "[tap]") {
  const Batch batch = BatchBuilder()
                          .lines(kOrigin, kAnn, 0, {"ann one", "ann two"})
                          .lines(kOrigin, kBob, 0, {"bob one", "bob two"})
                          .lines(kOrigin, kAnn, 0, {"ann one again"})
                          .take();
  const auto shown = [&](std::string peer, std::string contains) {
    Rig rig({.peer = std::move(peer), .contains = std::move(contains), .format = kText});
    rig.look(batch);
    Messages messages = rig.messages();
    CHECK(rig.note_after(2s) == "");  // what does not pass is not "left out"
    return messages;
  };
  CHECK(shown("192.0.2.22", "") == Messages{"bob one", "bob two"});
  CHECK(shown("0.2.1:", "") == Messages{"ann one", "ann two", "ann one again"});
  CHECK(shown(":40000", "two") == Messages{"ann two", "bob two"});
  CHECK(shown("", "one again") == Messages{"ann one again"});
  CHECK(shown("", "Two").empty());
  CHECK(shown("10.", "").empty());
}

TEST_CASE("tap: a peer without an address is unknown", "[tap]") {
  Rig rig({.peer = "unknown", .format = TapOptions::Format::kJson});
  rig.look({"a"}, Peer{});
  CHECK(rig.read().find(R"("peer":{})") != std::string::npos);
  Rig other({.peer = "192", .format = kText});
  other.look({"a"}, Peer{});
  CHECK(other.read().empty());
}

TEST_CASE("tap: what is over the rate is told of once a second", "[tap]") {
  Rig rig({.rate = 2, .format = kText});
  rig.look({"1", "2", "3", "4", "5"});
  CHECK(rig.messages() == Messages{"1", "2"});
  CHECK(rig.note_after(999ms) == "");
  CHECK(rig.note_after(1ms) == "# 3 records skipped\n");
  rig.look({"6", "7", "8"});
  CHECK(rig.messages() == Messages{"6", "7"});
  rig.tap.count_unseen(40);
  CHECK(rig.note_after(1s) == "# 1 records skipped, 40 not looked at\n");
  CHECK(rig.note_after(1s) == "");
}

TEST_CASE("tap: notes as JSON, and a sign of life where nothing comes", "[tap]") {
  Rig rig({.rate = 1});
  rig.look({"1", "2"});
  (void)rig.read();
  CHECK(rig.note_after(1s) == "{\"skipped\":1}\n");
  rig.tap.count_unseen(3);
  CHECK(rig.note_after(1s) == "{\"skipped\":0,\"unseen\":3}\n");
  CHECK(rig.note_after(Tap::kQuietNote - 1ms) == "");
  CHECK(rig.note_after(1ms) == "{\"skipped\":0}\n");
  CHECK(rig.note_after(Tap::kQuietNote - 1ms) == "");
}

TEST_CASE("tap: who does not read holds no more than the buffer, and misses whole records",
          "[tap]") {
  const auto format = GENERATE(TapOptions::Format::kJson, kText);
  Rig rig({.rate = TapOptions::kMaxRate, .format = format});
  const std::string record(1000, 'x');
  const std::vector<std::string> many(100, record);
  for (int i = 0; i < 10; ++i) rig.look(many);
  CHECK(rig.tap.unread_bytes() <= Tap::kBufferBytes);
  CHECK(rig.tap.unread_bytes() > Tap::kBufferBytes - 2000);
  const std::string kept = rig.read();
  CHECK(kept.ends_with(format == kText ? "x\n" : "\"}\n"));
  const auto shown = std::count(kept.begin(), kept.end(), '\n');
  const std::string left_out = std::to_string(1000 - shown);
  CHECK(rig.note_after(1s) == (format == kText ? "# " + left_out + " records skipped\n"
                                               : "{\"skipped\":" + left_out + "}\n"));
}

TEST_CASE("tap: a record that the buffer cannot hold is skipped as JSON and cut as text", "[tap]") {
  const std::vector<std::string> records{std::string(Tap::kBufferBytes, 'x'), "small"};
  Rig json({});
  json.look(records);
  CHECK(json.read().find("\"message\":\"small\"") != std::string::npos);
  CHECK(json.note_after(1s) == "{\"skipped\":1}\n");
  Rig text({.format = kText});
  text.look(records);
  CHECK(text.messages().size() == 2);
}

TEST_CASE("tap: a reader that takes a little at a time gets everything in order", "[tap]") {
  Rig rig({.rate = TapOptions::kMaxRate, .format = kText});
  std::string read, room(4096, '\0');
  const std::string padding(500, '.');
  for (int i = 0; i < 2000; ++i) {
    rig.look({std::to_string(i) + padding});
    const std::size_t bytes = rig.tap.read(std::span(room).first(i % 2 == 0 ? 4096 : 1));
    read.append(room, 0, bytes);
  }
  read += rig.read(100);
  std::size_t at = 0;
  for (int i = 0; i < 2000; ++i) {
    const std::string record = ":40000 " + std::to_string(i) + padding + '\n';
    at = read.find(record, at);
    REQUIRE(at != std::string::npos);
    at += record.size();
  }
  CHECK(at == read.size());
}
