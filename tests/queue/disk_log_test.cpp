#include "server/queue/disk_log.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/queue/rig.h"

using namespace penstock;
using namespace penstock::test;

TEST_CASE("disk log: what is appended is read in order, over many segments", "[queue]") {
  for (const QueueSync sync : {QueueSync::kBatch, QueueSync::kInterval, QueueSync::kNever}) {
    LogRig rig(sync);
    REQUIRE(rig.open());
    const Strings sent = fill(rig, 3000);
    CHECK(rig.log->status().segments > 3);
    CHECK(rig.log->status().records == sent.size());
    CHECK(rig.read() == sent);
    CHECK(rig.log->status().records == 0);
    CHECK(rig.log->all_read());
    CHECK(rig.log->status().segments == 1);  // the active one
    CHECK(rig.log->status().damaged_records == 0);
  }
}

TEST_CASE("disk log: files are used again, and nothing of their former use comes back", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  for (int round = 0; round < 5; ++round) {
    const Strings sent = fill(rig, 900);
    CHECK(rig.read() == sent);
  }
  CHECK(rig.log->status().bytes <= 4 * LogRig::kSegmentBytes);
  REQUIRE(rig.log->close());
  REQUIRE(rig.open());
  CHECK(rig.read().empty());
}

TEST_CASE("disk log: after a restart what was not delivered comes, and ids go on", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  Strings sent = fill(rig, 300);
  StoredBatch batch;
  for (int i = 0; i < 10; ++i) {
    REQUIRE(rig.log->next(batch) == DiskLog::ReadStatus::kBatch);
    rig.log->delivered(batch.end_record());
  }
  sent.erase(sent.begin(), sent.begin() + 30);
  SECTION("after a clean end") { REQUIRE(rig.log->close()); }
  SECTION("after kill -9") {
    rig.log->tick();
    rig.log.reset();
    rig.files.kill();
  }
  REQUIRE(rig.open());
  CHECK(rig.recovered.records == 270);
  CHECK(rig.log->first_own_record() == 301);
  const Strings more = fill(rig, 9);
  sent.insert(sent.end(), more.begin(), more.end());
  CHECK(rig.read() == sent);
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE("disk log: a second process is refused", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  DiskLog::Recovered recovered;
  const auto other =
      DiskLog::open(rig.files, {"/q", 1 << 20, LogRig::kSegmentBytes, QueueSync::kBatch},
                    rig.origins, new_block, recovered);
  REQUIRE_FALSE(other);
  CHECK(other.error().message == "/q: another process uses this queue");
}

TEST_CASE("disk log: full at max_bytes, and no longer once something is delivered", "[queue]") {
  LogRig rig(QueueSync::kBatch, 4 * LogRig::kSegmentBytes);
  REQUIRE(rig.open());
  std::size_t taken = 0;
  while (rig.put(batch_of({std::string(500, 'x')}, true))) ++taken;
  CHECK(taken > 60);
  CHECK(rig.log->status().bytes == 4 * LogRig::kSegmentBytes);
  CHECK(rig.read().size() == taken);
  CHECK(rig.put(batch_of({"more"}, true)));
}

TEST_CASE("disk log: the oldest segment is dropped whole, and told batch by batch", "[queue]") {
  LogRig rig(QueueSync::kBatch, 4 * LogRig::kSegmentBytes);
  REQUIRE(rig.open());
  std::size_t taken = 0;
  while (rig.put(batch_of({numbered(taken) + std::string(500, 'x')}, true))) ++taken;
  StoredBatch batch;
  REQUIRE(rig.log->next(batch) == DiskLog::ReadStatus::kBatch);  // in flight
  const std::uint64_t in_flight = batch.end_record();
  std::size_t dropped = 0;
  REQUIRE(rig.log->drop_oldest([&](const StoredBatch& each) { dropped += each.records; }));
  CHECK(dropped > 10);
  CHECK(rig.put(batch_of({"newest"}, true)));
  rig.log->delivered(in_flight);
  const Strings rest = rig.read();
  CHECK(rest.size() == taken - 1 - dropped + 1);
  CHECK(rest.front().starts_with(numbered(1 + dropped)));
  CHECK(rest.back() == "newest");
  CHECK(rig.log->status().damaged_records == 0);
  REQUIRE(rig.log->close());
  REQUIRE(rig.open());
  CHECK(rig.read().empty());
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE("disk log: what was dropped, in flight or not, is no damage at the next start",
          "[queue]") {
  const bool killed = GENERATE(false, true);
  LogRig rig(QueueSync::kBatch, 4 * LogRig::kSegmentBytes);
  REQUIRE(rig.open());
  std::size_t taken = 0;
  while (rig.put(batch_of({numbered(taken) + std::string(500, 'x')}, true))) ++taken;
  StoredBatch batch;
  for (int i = 0; i < 30; ++i) REQUIRE(rig.log->next(batch) == DiskLog::ReadStatus::kBatch);
  std::size_t told = 0;
  const auto count = [&](const StoredBatch& each) { told += each.records; };
  REQUIRE(rig.log->drop_oldest(count));
  CHECK(told == 0);  // all of it is in flight
  CHECK(rig.log->done_record() > 1);
  CHECK(rig.log->done_record() < batch.end_record());
  REQUIRE(rig.log->drop_oldest(count));
  CHECK(told == rig.log->done_record() - batch.end_record());
  const std::uint64_t left = taken + 1 - rig.log->done_record();
  CHECK(rig.log->status().records == left);
  if (!killed) REQUIRE(rig.log->close());
  rig.log.reset();
  rig.files.kill();
  REQUIRE(rig.open());
  CHECK(rig.recovered.records == left);
  CHECK(rig.read().size() == left);
  CHECK(rig.log->status().damaged_records == 0);
  CHECK(rig.log->status().segments == 1);
  for (const std::string& name : rig.files.names()) CHECK_FALSE(name.ends_with(".damaged"));
}

TEST_CASE("disk log: a batch larger than a segment gets a file that fits", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  const std::string large(3 * LogRig::kSegmentBytes, 'l');
  REQUIRE(rig.put(batch_of({"small"}, false)));
  REQUIRE(rig.put(batch_of({large}, false)));
  REQUIRE(rig.put(batch_of({"small again"}, false)));
  CHECK(rig.read() == Strings{"small", large, "small again"});
}

TEST_CASE(
    "disk log: whichever byte is flipped, what comes is what was sent, and the rest is counted",
    "[queue]") {
  LogRig first;
  REQUIRE(first.open());
  const Strings sent = fill(first, 24);
  REQUIRE(first.log->close());
  const std::string segment = "/q/0000000000000001.seg";
  const std::string whole = first.files.content(segment);
  for (std::size_t at = 0; at < whole.size(); ++at) {
    first.files.content(segment) = whole;
    first.files.content(segment)[at] = static_cast<char>(whole[at] ^ (1 << at % 8));
    LogRig rig;
    rig.files = first.files;
    rig.files.kill();
    std::string& checkpoint = rig.files.content("/q/checkpoint");
    const std::string before = checkpoint;
    REQUIRE(rig.open());
    Strings found = rig.read();
    INFO("byte " << at);
    CHECK(found.size() + rig.log->status().damaged_records == sent.size());
    CHECK(std::includes(sent.begin(), sent.end(), found.begin(), found.end(),
                        [&](const std::string& a, const std::string& b) {
                          return std::stoi(a.substr(7)) < std::stoi(b.substr(7));
                        }));
    rig.log.reset();
    checkpoint = before;
  }
}

TEST_CASE("disk log: whatever length the file is cut to, what comes is what was sent", "[queue]") {
  LogRig first;
  REQUIRE(first.open());
  const Strings sent = fill(first, 24);
  REQUIRE(first.log->close());
  const std::string segment = "/q/0000000000000001.seg";
  const std::string whole = first.files.content(segment);
  const std::string checkpoint = first.files.content("/q/checkpoint");
  for (std::size_t size = 0; size < whole.size(); ++size) {
    LogRig rig;
    rig.files = first.files;
    rig.files.kill();
    rig.files.content(segment) = whole.substr(0, size);
    rig.files.content("/q/checkpoint") = checkpoint;
    REQUIRE(rig.open());
    const Strings found = rig.read();
    INFO("length " << size);
    REQUIRE(found.size() <= sent.size());
    CHECK(std::equal(found.begin(), found.end(), sent.begin()));
    CHECK(found.size() + rig.log->status().damaged_records == sent.size());
  }
}
