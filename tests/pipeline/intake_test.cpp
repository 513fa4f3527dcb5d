#include "server/pipeline/intake.h"

#include <catch2/catch.hpp>
#include <random>

#include "tests/pipeline/intake_rig.h"

using namespace penstock;
using namespace std::chrono_literals;
using test::at_ms;
using test::FakeConnection;
using test::IntakeRig;

TEST_CASE("intake: a lone record is handed on in its own turn, from where it was read",
          "[intake]") {
  IntakeRig rig;
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

TEST_CASE("intake: whatever is read and sealed, held batches keep their bytes",
          "[intake][property]") {
  std::mt19937 random(GENERATE(1u, 2u, 3u, 4u));
  IntakeRig rig;
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
  IntakeRig rig;
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

TEST_CASE("intake: reads of one peer in one turn share a segment, others do not", "[intake]") {
  IntakeRig rig;
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
  IntakeRig rig;
  FakeConnection one(rig.intake, 1);
  one.read("a\n", at_ms(1));
  one.read("\nb\n", at_ms(1));
  rig.intake.seal();
  const auto popped = rig.queue.pop(0ms);
  REQUIRE(popped->batch->batch().segments.size() == 1);
  CHECK_FALSE(popped->batch->batch().segments[0].lines);
}

TEST_CASE("intake: input that lies elsewhere is copied behind the fill", "[intake]") {
  IntakeRig rig;
  test::NoRejects rejects;
  test::NoReplies replies;
  test::LineDecoder decoder;
  for (const std::string& datagram :
       {std::string("first"), std::string("second\nline"), std::string(3 << 20, 'z')}) {
    const std::span<char> room = rig.intake.room(datagram.size());
    REQUIRE(room.size() >= datagram.size() + Intake::kMinRoomBytes);
    BatchWriter writer =
        rig.intake.write(0, test::peer(1), rig.account, at_ms(1), room.data(), rejects);
    decoder.on_datagram(datagram, datagram.size(), at_ms(1), writer, replies);
    rig.intake.commit(writer, room.data());
  }
  rig.intake.seal();
  CHECK(rig.take_records() ==
        std::vector<std::string>{"first", "second\nline", std::string(3 << 20, 'z')});
}

TEST_CASE("intake: a call without input or room is allowed and may add records", "[intake]") {
  IntakeRig rig;
  test::NoRejects rejects;
  BatchWriter writer = rig.intake.write(1, test::peer(1), rig.account, at_ms(1), nullptr, rejects);
  writer.add("said at the end", kFramePartial, Shape::kOpaque);
  rig.intake.commit(writer, nullptr);
  rig.intake.seal();
  CHECK(rig.take_records() == std::vector<std::string>{"said at the end"});
}

TEST_CASE("account: publishes what was counted when it is told to, and at its end", "[intake]") {
  IntakeRig rig;
  UrlCell cell;
  {
    FakeConnection connection(rig.intake, 1);
    connection.read("a\n\nbc\nrest", at_ms(1));
    CHECK(connection.cell->frames.get() == 0);
    connection.publish();
    CHECK(connection.cell->read_bytes.get() == 10);
    CHECK(connection.cell->in_frames_bytes.get() == 3);
    CHECK(connection.cell->framing_bytes.get() == 3);
    CHECK(connection.cell->frames.get() == 3);
    CHECK(connection.cell->decoded.get() == 2);
    CHECK(connection.cell->empty.get() == 1);
    CHECK(connection.cell->events.get() == 2);
    Account account(test::kOrigin, cell);
    account.counts().discarded_bytes[0] += 4;
    account.change_held(0, 7);
    CHECK(cell.discarded_bytes[0].get() == 0);
  }
  CHECK(cell.discarded_bytes[0].get() == 4);
  CHECK(cell.partial_held_bytes.get() == 7);
}

TEST_CASE("intake: the sizes of what it hands on are counted", "[intake]") {
  IntakeRig rig;
  FakeConnection connection(rig.intake, 1);
  connection.read("a\nbc\n", at_ms(1));
  rig.intake.seal();
  connection.read("def\n", at_ms(2));
  rig.intake.seal();
  CHECK(rig.cell.events.totals().count == 2);
  CHECK(rig.cell.events.totals().sum == 3);
  CHECK(rig.cell.bytes.totals().sum == 9);
}
