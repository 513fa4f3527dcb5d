#include "server/pipeline/intake.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/pipeline/fakes.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::at_ms;
using test::FakeConnection;

namespace {

/// An intake with one required route (or those given), and its queue emptied by hand.
struct Rig {
  explicit Rig(std::size_t high = std::size_t{64} << 20)
      : queue(high, {}), intake({{&queue, &route}}, pool, cell, false) {}

  std::vector<QueueEntry> take_all() {
    std::vector<QueueEntry> all;
    while (auto popped = queue.pop(0ms)) {
      REQUIRE(queue.claim());
      queue.done(*popped);
      all.push_back(*popped);
    }
    return all;
  }
  std::vector<std::string> take_records() {
    std::vector<std::string> all;
    for (const auto& popped : take_all())
      for (auto& record : test::records(popped.batch->batch())) all.push_back(std::move(record));
    return all;
  }

  BlockPool pool;
  ListenerCell cell;
  SinkQueue queue;
  RouteLedger route{"l", "s"};
  Intake intake;
};

std::string lines(std::size_t count, std::size_t size, char letter = 'x') {
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += std::string(size, letter) + '\n';
  return all;
}

}  // namespace

TEST_CASE("intake: a lone record is handed on in its own turn, from where it was read",
          "[intake]") {
  Rig rig;
  const std::span<char> room = rig.intake.room(0);
  const char* const read_at = room.data();
  FakeConnection connection(rig.intake, 7);
  connection.read("hello\n", at_ms(1));
  rig.intake.end_turn(at_ms(1));
  const auto popped = rig.queue.pop(0ms);
  REQUIRE(popped);
  const Batch& batch = popped->batch->batch();
  CHECK(batch.id == 1);
  REQUIRE(batch.frames.size() == 1);
  CHECK(batch.bytes(batch.frames[0]) == "hello");
  CHECK(batch.bytes(batch.frames[0]).data() == read_at);
  REQUIRE(batch.segments.size() == 1);
  CHECK(batch.segments[0].connection == 7);
  CHECK(batch.segments[0].peer == test::peer(7));
  CHECK(batch.segments[0].origin == &test::kOrigin);
  CHECK(batch.segments[0].time_ns == 1'000'000);
  CHECK(batch.segments[0].lines);
  CHECK(batch.charged_bytes >= batch.end - batch.begin + sizeof(FrameRef) + sizeof(Segment));
}

TEST_CASE("intake: batches share a block by ranges that do not overlap", "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  std::vector<QueueEntry> batches;
  for (int i = 0; i < 20; ++i) {
    connection.read(lines(3, 50, static_cast<char>('a' + i)), at_ms(10 * i));
    rig.intake.end_turn(at_ms(10 * i));
    for (auto& taken : rig.take_all()) batches.push_back(taken);
  }
  REQUIRE(batches.size() == 20);
  for (std::size_t i = 0; i < batches.size(); ++i) {
    const Batch& batch = batches[i].batch->batch();
    CHECK(batch.block == batches[0].batch->batch().block);
    CHECK(batch.begin == 153 * i);
    CHECK(batch.end == 153 * (i + 1));
    CHECK(test::records(batch) ==
          std::vector<std::string>(3, std::string(50, static_cast<char>('a' + i))));
  }
}

TEST_CASE("intake: whatever is read and sealed, held batches keep their bytes",
          "[intake][property]") {
  std::mt19937 random(GENERATE(1u, 2u, 3u, 4u));
  Rig rig;
  std::vector<std::unique_ptr<FakeConnection>> connections;
  std::vector<std::string> sent(5), got(5);
  for (ConnectionId id = 0; id < 5; ++id)
    connections.push_back(std::make_unique<FakeConnection>(rig.intake, id + 1));
  std::vector<QueueEntry> held;
  std::int64_t now = 0;
  for (int turn = 0; turn < 300; ++turn) {
    for (int reads = static_cast<int>(random() % 6); reads > 0; --reads) {
      const std::size_t who = random() % 5;
      std::string bytes(random() % (random() % 8 == 0 ? 60'000 : 400), 'x');
      for (char& c : bytes) c = random() % 40 == 0 ? '\n' : static_cast<char>('a' + random() % 26);
      connections[who]->read(bytes, at_ms(now));
      sent[who] += bytes;
    }
    if (random() % 3 == 0) ++now;
    rig.intake.end_turn(at_ms(now));
    if (random() % 16 == 0) rig.intake.seal();
    if (random() % 32 == 0) rig.intake.release_idle_block();
    if (random() % 4 == 0)
      for (auto& taken : rig.take_all()) held.push_back(taken);
  }
  for (auto& connection : connections) connection->read("\n", at_ms(now));
  for (auto& bytes : sent) bytes += '\n';
  rig.intake.seal();
  for (auto& taken : rig.take_all()) held.push_back(taken);

  BatchId last = 0;
  for (const QueueEntry& entry : held) {
    const Batch& batch = entry.batch->batch();
    CHECK(batch.id == ++last);
    std::size_t frame = 0;
    for (const Segment& segment : batch.segments) {
      CHECK(segment.first == frame);
      CHECK(segment.count != 0);
      for (frame = segment.first; frame < segment.first + segment.count; ++frame) {
        CHECK(batch.frames[frame].offset >= batch.begin);
        CHECK(batch.frames[frame].offset + batch.frames[frame].size <= batch.end);
        got[segment.connection - 1] += batch.bytes(batch.frames[frame]);
        got[segment.connection - 1] += '\n';
        if (segment.lines)
          CHECK(batch.block->data()[batch.frames[frame].offset + batch.frames[frame].size] == '\n');
      }
    }
    CHECK(frame == batch.frames.size());
  }
  for (std::size_t who = 0; who < 5; ++who) {
    std::string without_empty;
    for (std::size_t at = 0; at < sent[who].size(); ++at)
      if (sent[who][at] != '\n' || (!without_empty.empty() && without_empty.back() != '\n'))
        without_empty += sent[who][at];
    CHECK(got[who] == without_empty);
  }
}

TEST_CASE("intake: what adds no record is not pushed and leaves no segment", "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1), other(rig.intake, 2);
  connection.read("unfinished", at_ms(1));
  connection.read("", at_ms(1));
  other.read("\n\n\n", at_ms(1));
  rig.intake.end_turn(at_ms(1));
  rig.intake.seal();
  CHECK_FALSE(rig.intake.seal_due());
  CHECK(rig.take_all().empty());
  connection.read(" line\n", at_ms(2));
  other.read("\n", at_ms(2));
  rig.intake.end_turn(at_ms(2));
  const auto popped = rig.queue.pop(0ms);
  REQUIRE(popped);
  CHECK(test::records(popped->batch->batch()) == std::vector<std::string>{"unfinished line"});
  CHECK(popped->batch->batch().segments.size() == 1);
  CHECK(rig.route.events == 1);
}

TEST_CASE("intake: millions of empty lines use one block", "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  for (int i = 0; i < 100; ++i) connection.read(std::string(60'000, '\n'), at_ms(i));
  rig.intake.end_turn(at_ms(100));
  CHECK(rig.pool.peak_bytes() == Intake::kFirstBlockBytes);
  CHECK(rig.cell.empty.get() == 6'000'000);
}

TEST_CASE("intake: reads of one peer in one turn share a segment, others do not", "[intake]") {
  Rig rig;
  FakeConnection one(rig.intake, 1), two(rig.intake, 2);
  one.read("a\nb\n", at_ms(1));
  one.read("c\n", at_ms(1));
  two.read("d\n", at_ms(1));
  one.read("e\n", at_ms(1));
  one.read("f\n", at_ms(2));
  rig.intake.seal();
  const auto popped = rig.queue.pop(0ms);
  std::vector<std::pair<ConnectionId, std::uint32_t>> seen;
  for (const Segment& segment : popped->batch->batch().segments)
    seen.emplace_back(segment.connection, segment.count);
  CHECK(seen ==
        std::vector<std::pair<ConnectionId, std::uint32_t>>{{1, 3}, {2, 1}, {1, 1}, {1, 1}});
  for (const Segment& segment : popped->batch->batch().segments) CHECK(segment.lines);
}

TEST_CASE("intake: an empty line between two reads breaks the one piece", "[intake]") {
  Rig rig;
  FakeConnection one(rig.intake, 1);
  one.read("a\n", at_ms(1));
  one.read("\nb\n", at_ms(1));
  rig.intake.seal();
  const auto popped = rig.queue.pop(0ms);
  REQUIRE(popped->batch->batch().segments.size() == 1);
  CHECK_FALSE(popped->batch->batch().segments[0].lines);
}

TEST_CASE("intake: input that lies elsewhere is copied behind the fill", "[intake]") {
  Rig rig;
  test::NoRejects rejects;
  test::NoReplies replies;
  test::LineDecoder decoder;
  for (const std::string& datagram :
       {std::string("first"), std::string("second\nline"), std::string(3 << 20, 'z')}) {
    const std::span<char> room = rig.intake.room(datagram.size());
    REQUIRE(room.size() >= datagram.size() + Intake::kMinRoomBytes);
    BatchWriter writer =
        rig.intake.write(0, test::peer(1), test::kOrigin, at_ms(1), room.data(), rejects);
    decoder.on_datagram(datagram, datagram.size(), at_ms(1), writer, replies);
    rig.intake.commit(writer, room.data());
  }
  rig.intake.seal();
  CHECK(rig.take_records() ==
        std::vector<std::string>{"first", "second\nline", std::string(3 << 20, 'z')});
}

TEST_CASE("intake: a call without input or room is allowed and may add records", "[intake]") {
  Rig rig;
  test::NoRejects rejects;
  BatchWriter writer =
      rig.intake.write(1, test::peer(1), test::kOrigin, at_ms(1), nullptr, rejects);
  writer.add("said at the end", kFramePartial, Shape::kOpaque);
  rig.intake.commit(writer, nullptr);
  rig.intake.seal();
  CHECK(rig.take_records() == std::vector<std::string>{"said at the end"});
}

TEST_CASE("intake: a tail left in place survives the change of the block", "[intake]") {
  Rig rig;
  test::NoRejects rejects;
  std::span<char> room = rig.intake.room(0);
  const std::size_t fill = room.size() - 100;
  std::string input = lines(1, fill - 1) + "tail";
  input.copy(room.data(), input.size());
  BatchWriter writer = rig.intake.write(1, test::peer(1), test::kOrigin, at_ms(1),
                                        room.data() + input.size(), rejects);
  writer.add({room.data(), fill - 1}, kFrameWhole, Shape::kLine);
  rig.intake.commit(writer, room.data() + fill);
  const std::string_view tail(room.data() + fill, 4);
  room = rig.intake.room(tail.size());
  CHECK(rig.take_all().size() == 1);  // pushed, and let go by everyone else
  const auto stranger = rig.pool.take(Intake::kFirstBlockBytes);
  std::fill_n(stranger->data(), stranger->capacity(), '#');
  CHECK(tail == "tail");
}

TEST_CASE("intake: there is always room, and blocks double to 1 MiB while they fill fast",
          "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  std::vector<std::size_t> capacities;
  for (int i = 0; i < 100; ++i) {
    REQUIRE(rig.intake.room(0).size() >= Intake::kMinRoomBytes);
    connection.read(lines(300, 199), at_ms(i));
    rig.intake.end_turn(at_ms(i));
    for (const auto& taken : rig.take_all())
      if (capacities.empty() || capacities.back() != taken.batch->batch().block->capacity())
        capacities.push_back(taken.batch->batch().block->capacity());
  }
  CHECK(capacities == std::vector<std::size_t>{128 << 10, 256 << 10, 512 << 10, 1024 << 10});
}

TEST_CASE("intake: a block that took seconds to fill is followed by a small one", "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  std::int64_t now = 0;
  const auto feed = [&](int reads, int ms_each) {
    for (int i = 0; i < reads; ++i) {
      connection.read(lines(300, 199), at_ms(now += ms_each));
      rig.intake.end_turn(at_ms(now));
      rig.take_all();
    }
    return rig.pool.used_bytes();
  };
  CHECK(feed(100, 1) == 1024 << 10);
  CHECK(feed(40, 1000) == Intake::kFirstBlockBytes);
}

TEST_CASE("intake: a listener idle between two sweeps holds no block", "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  connection.read("a\n", at_ms(1));
  rig.intake.release_idle_block();
  CHECK(rig.pool.used_bytes() != 0);
  rig.intake.release_idle_block();  // a record waits
  CHECK(rig.pool.used_bytes() != 0);
  rig.intake.end_turn(at_ms(2));
  rig.take_all();
  rig.intake.release_idle_block();
  CHECK(rig.pool.used_bytes() == 0);
  connection.read("b\n", at_ms(3));
  rig.intake.end_turn(at_ms(3));
  CHECK(rig.take_records() == std::vector<std::string>{"b"});
}

TEST_CASE("intake: two-byte frames seal by their index, so memory stays a few times the bytes",
          "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  const std::string flood = lines(30'000, 1);
  std::size_t worst = 0, frames = 0;
  for (int i = 0; i < 200; ++i) {
    connection.read(flood, at_ms(1));
    for (const auto& taken : rig.take_all()) {
      worst = std::max(worst, taken.batch->batch().charged_bytes);
      frames += taken.batch->events();
    }
  }
  rig.intake.seal();
  for (const auto& taken : rig.take_all()) frames += taken.batch->events();
  CHECK(frames == 200 * 30'000);
  CHECK(worst <= std::size_t{2} << 20);
}

TEST_CASE(
    "intake: while the sink is busy a batch waits for its age, when idle for the gap between seals",
    "[intake]") {
  Rig rig;
  FakeConnection connection(rig.intake, 1);
  connection.read("a\n", at_ms(100));
  rig.intake.end_turn(at_ms(100));
  const auto in_flight = rig.queue.pop(0ms);
  REQUIRE(in_flight);

  connection.read("b\n", at_ms(101));
  rig.intake.end_turn(at_ms(101));
  CHECK(rig.intake.seal_due() == 106ms);
  rig.intake.end_turn(at_ms(105));
  CHECK(rig.queue.fill_bytes() == in_flight->batch->batch().charged_bytes);
  rig.intake.end_turn(at_ms(106));
  CHECK(rig.queue.fill_bytes() > in_flight->batch->batch().charged_bytes);
  CHECK_FALSE(rig.intake.seal_due());
  rig.queue.claim();
  rig.queue.done(*in_flight);
  rig.take_all();

  connection.read("c\n", at_ms(106));
  rig.intake.end_turn(at_ms(106));  // idle, but woken in this very millisecond
  CHECK(rig.take_all().empty());
  CHECK(rig.intake.seal_due() == 107ms);
  rig.intake.end_turn(at_ms(107));
  CHECK(rig.take_records() == std::vector<std::string>{"c"});
}

TEST_CASE("intake: a droppable route never shuts the gate, a full one loses and is counted",
          "[intake]") {
  const bool required = GENERATE(true, false);
  BlockPool pool;
  ListenerCell cell;
  SinkQueue main_queue(std::size_t{1} << 20, {}), drop_queue(1, {});
  RouteLedger main_route("l", "main"), drop_route("l", "drop");
  Intake intake({{&main_queue, &main_route}, {&drop_queue, &drop_route, required, true}}, pool,
                cell, false);
  FakeConnection connection(intake, 1);
  for (int i = 0; i < 5; ++i) {
    CHECK(intake.gate_open());
    connection.read("a\nb\n", at_ms(i));
    intake.seal();
  }
  CHECK_FALSE(drop_queue.open());
  CHECK(main_route.events == 10);
  CHECK(main_route.queued == 10);
  CHECK(drop_route.events == 10);
  CHECK(drop_route.queued == 2);
  CHECK(drop_route.lost[static_cast<std::size_t>(RouteLoss::kQueueFull)] == 8);
}

TEST_CASE("intake: the gate is shut while any blocking required queue is full", "[intake]") {
  BlockPool pool;
  ListenerCell cell;
  SinkQueue one(1000, {}), two(1, {});
  RouteLedger route("l", "s");
  Intake intake({{&one, &route}, {&two, &route}}, pool, cell, false);
  FakeConnection connection(intake, 1);
  CHECK(intake.gate_open());
  connection.read("a\n", at_ms(1));
  intake.seal();
  CHECK_FALSE(intake.gate_open());
  const auto popped = two.pop(0ms);
  two.claim();
  two.done(*popped);
  CHECK(intake.gate_open());
}

TEST_CASE("intake: end_turn publishes what was counted, and so does its end", "[intake]") {
  Rig rig;
  {
    SinkQueue queue(1000, {});
    Intake intake({{&queue, &rig.route}}, rig.pool, rig.cell, false);
    FakeConnection connection(intake, 1);
    connection.read("a\n\nbc\nrest", at_ms(1));
    CHECK(rig.cell.frames.get() == 0);
    intake.end_turn(at_ms(1));
    CHECK(rig.cell.read_bytes.get() == 10);
    CHECK(rig.cell.in_frames_bytes.get() == 3);
    CHECK(rig.cell.framing_bytes.get() == 3);
    CHECK(rig.cell.frames.get() == 3);
    CHECK(rig.cell.decoded.get() == 2);
    CHECK(rig.cell.empty.get() == 1);
    CHECK(rig.cell.events.get() == 2);
    intake.counts().discarded_bytes[0] += 4;
  }
  CHECK(rig.cell.discarded_bytes[0].get() == 4);
}
