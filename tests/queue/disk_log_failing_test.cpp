#include "server/queue/disk_log.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "tests/queue/rig.h"

using namespace penstock;
using namespace penstock::test;

// A log on a disk that fails: to sync, to write, to read.

TEST_CASE("disk log: a failed sync seals the segment, and nothing is lost or doubled", "[queue]") {
  for (const QueueSync sync : {QueueSync::kBatch, QueueSync::kInterval}) {
    LogRig rig(sync);
    REQUIRE(rig.open());
    Strings sent = fill(rig, 30);
    REQUIRE(rig.log->sync_written());
    const Strings more = fill(rig, 30);
    sent.insert(sent.end(), more.begin(), more.end());
    int failures = 1;
    rig.files.fault = [&](SimulatedFiles::Call call) {
      return call == SimulatedFiles::Call::kSync && failures-- > 0 ? -EIO : 0;
    };
    if (sync == QueueSync::kInterval) {
      CHECK_FALSE(rig.log->sync_written());
      CHECK(rig.log->last_error() == "sync /q/0000000000000001.seg: input/output error");
      REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
      REQUIRE(rig.log->sync_written());
    }
    REQUIRE(rig.put(batch_of({"behind"}, true)));
    sent.push_back("behind");
    CHECK(rig.log->status().failed_syncs == 1);
    REQUIRE(rig.log->sync_written());
    std::mt19937 random(1);
    rig.log.reset();
    rig.files.cut_power(random);
    REQUIRE(rig.open());
    CHECK(rig.read() == sent);
    CHECK(rig.log->status().damaged_records == 0);
  }
}

TEST_CASE(
    "disk log: what a failed sync has left stays until it is rewritten, although it is delivered",
    "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  Strings sent = fill(rig, 30);
  REQUIRE(rig.log->sync_written());
  const Strings unsynced = fill(rig, 30);
  sent.insert(sent.end(), unsynced.begin(), unsynced.end());
  rig.files.fault = [](SimulatedFiles::Call call) {
    return call == SimulatedFiles::Call::kSync || call == SimulatedFiles::Call::kReserve ? -EIO : 0;
  };
  CHECK_FALSE(rig.log->sync_written());
  CHECK(rig.log->roll() == DiskLog::RollStatus::kRetry);
  rig.files.fault = nullptr;
  SECTION("and the reader is done with it meanwhile") {
    CHECK(rig.log->status().records == 60);
    rig.log->delivered(rig.log->read_record());
    StoredBatch batch;
    for (int i = 0; i < 10; ++i) REQUIRE(rig.log->next(batch) == DiskLog::ReadStatus::kBatch);
    CHECK(rig.log->next(batch) == DiskLog::ReadStatus::kNothing);
    rig.log->delivered(batch.end_record());
    rig.log->tick();
    sent.erase(sent.begin(), sent.begin() + 30);
  }
  SECTION("and it is the oldest") {
    CHECK_FALSE(rig.log->drop_oldest([](const StoredBatch&) { FAIL("it is still needed"); }));
  }
  REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
  REQUIRE(rig.put(batch_of({"behind"}, true)));
  sent.push_back("behind");
  CHECK(rig.log->sync_written());
  CHECK(rig.read() == sent);
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE(
    "disk log: where what a failed sync has left is gone, that is damage, and writing goes on",
    "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  fill(rig, 30);
  bool failing = true;
  rig.files.fault = [&](SimulatedFiles::Call call) {
    return failing && call == SimulatedFiles::Call::kSync ? -EIO : 0;
  };
  CHECK_FALSE(rig.log->sync_written());
  failing = false;
  rig.files.remove("/q/0000000000000001.seg");
  REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
  REQUIRE(rig.put(batch_of({"behind"}, true)));
  CHECK(rig.log->sync_written());
  CHECK(rig.read() == Strings{"behind"});
  CHECK(rig.log->status().damaged_records == 30);
}

TEST_CASE("disk log: what is not committed when a sync fails is to be appended again", "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  Strings sent = fill(rig, 30);
  const Batch last = batch_of({"uncommitted"}, true);
  REQUIRE(rig.log->append(last));
  rig.files.fault = [](SimulatedFiles::Call call) {
    return call == SimulatedFiles::Call::kSync    ? -EIO
           : call == SimulatedFiles::Call::kWrite ? -ENOSPC
                                                  : 0;
  };
  CHECK(rig.log->commit() == DiskLog::CommitStatus::kRetry);
  CHECK_FALSE(rig.log->sync_written());
  CHECK(rig.log->roll() == DiskLog::RollStatus::kRetry);
  SECTION("which commit() says before the tail is rewritten") {
    CHECK(rig.log->commit() == DiskLog::CommitStatus::kRewrite);
    CHECK_FALSE(rig.log->append(last));
    rig.files.fault = nullptr;
    REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
  }
  SECTION("or after it") {
    rig.files.fault = nullptr;
    REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
    CHECK(rig.log->commit() == DiskLog::CommitStatus::kRewrite);
  }
  SECTION("or with what was appended since") {
    rig.files.fault = nullptr;
    REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone);
    REQUIRE(rig.log->append(batch_of({"appended since"}, true)));
    CHECK(rig.log->commit() == DiskLog::CommitStatus::kRewrite);
  }
  CHECK(rig.log->commit() == DiskLog::CommitStatus::kDone);
  REQUIRE(rig.put(last));
  sent.push_back("uncommitted");
  CHECK(rig.read() == sent);
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE("disk log: a sync does not show what could not be written yet", "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  Strings sent = fill(rig, 30);
  REQUIRE(rig.log->append(batch_of({"late"}, true)));
  rig.files.fault = [](SimulatedFiles::Call call) {
    return call == SimulatedFiles::Call::kWrite ? -ENOSPC : 0;
  };
  CHECK(rig.log->commit() == DiskLog::CommitStatus::kRetry);
  CHECK(rig.log->sync_written());
  CHECK(rig.log->status().records == 30);
  CHECK(rig.read() == sent);
  rig.files.fault = nullptr;
  CHECK(rig.log->commit() == DiskLog::CommitStatus::kDone);
  CHECK(rig.read() == Strings{"late"});
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE("disk log: while what a failed sync has left is only half rewritten, nobody misses it",
          "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  Strings sent = fill(rig, 30);
  REQUIRE(rig.log->sync_written());
  const Strings unsynced = fill(rig, 30);
  bool failing = true;
  int writes_left = 4;  // a header and three batches
  rig.files.fault = [&](SimulatedFiles::Call call) {
    if (call == SimulatedFiles::Call::kSync) return std::exchange(failing, false) ? -EIO : 0;
    return call == SimulatedFiles::Call::kWrite && writes_left-- <= 0 ? -ENOSPC : 0;
  };
  CHECK_FALSE(rig.log->sync_written());
  CHECK(rig.log->roll() == DiskLog::RollStatus::kRetry);
  CHECK(rig.log->commit() == DiskLog::CommitStatus::kRewrite);
  CHECK(rig.read() == sent);
  CHECK_FALSE(rig.log->all_read());
  rig.files.fault = nullptr;
  rig.log->tick();
  SECTION("until all of it is") { REQUIRE(rig.log->roll() == DiskLog::RollStatus::kDone); }
  SECTION("nor after kill -9") {
    rig.log.reset();
    rig.files.kill();
    REQUIRE(rig.open());
    CHECK(rig.recovered.records == unsynced.size());
  }
  CHECK(rig.read() == unsynced);
  CHECK(rig.log->status().damaged_records == 0);
}

TEST_CASE("disk log: a damaged segment is kept under a name that is free", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  const auto make = [&](const std::string& name) {
    rig.files.close(rig.files.open(name.c_str(), O_RDWR | O_CREAT, 0));
  };
  const std::string first = "/q/0000000000000001.seg";
  SECTION("at the start") {
    fill(rig, 3);
    rig.log.reset();
    rig.files.kill();
    make(first + ".damaged");
    rig.files.content(first)[0] ^= 1;
    rig.files.content(first)[SegmentHeader::kHeaderCopyOffset] ^= 1;
    REQUIRE(rig.open());
    CHECK(rig.recovered.notes.at(0) ==
          first + ": both copies of its header are damaged; it is passed over and kept as " +
              first + ".damaged-2");
  }
  SECTION("once the rest of it is delivered") {
    fill(rig, 3);
    make(first + ".damaged");
    make(first + ".damaged-2");
    rig.files.content(first)[SegmentHeader::kDataOffset + BatchHeader::kBytes + 20] ^= 1;
    while (rig.log->status().segments < 2) fill(rig, 3);
    rig.read();
    rig.log->delivered(rig.log->read_record());
    CHECK(rig.log->status().damaged_records == 3);
    CHECK(rig.log->status().segments == 1);
    CHECK(rig.files.content(first + ".damaged-3").size() >= LogRig::kSegmentBytes);
  }
  SECTION("and a later one gets another number") {
    rig.log.reset();
    rig.files.kill();
    make("/q/000000000000000a.seg.damaged-2");
    make("/q/000000000000000c.seg.damagedly");
    REQUIRE(rig.open());
    fill(rig, 3);
    CHECK_FALSE(rig.files.content("/q/000000000000000b.seg").empty());
  }
}

TEST_CASE("disk log: what cannot be freed or written down is told, and tried again", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  while (rig.log->status().segments < 3) fill(rig, 3);
  const SimulatedFiles::Call failing =
      GENERATE(SimulatedFiles::Call::kUnlink, SimulatedFiles::Call::kWrite);
  rig.files.fault = [&](SimulatedFiles::Call call) {
    const bool renames =
        failing == SimulatedFiles::Call::kUnlink && call == SimulatedFiles::Call::kRename;
    return call == failing || renames ? -EACCES : 0;
  };
  rig.read();
  rig.log->take_notes();
  rig.log->tick();
  CHECK(rig.log->status().segments == 3);
  const Strings notes = rig.log->take_notes();
  REQUIRE_FALSE(notes.empty());
  CHECK(notes.front() ==
        (failing == SimulatedFiles::Call::kUnlink
             ? "what is delivered takes up room: remove /q/0000000000000001.seg: permission denied"
             : "the checkpoint stays behind: write /q/checkpoint: permission denied"));
  rig.files.fault = nullptr;
  rig.log->tick();
  CHECK(rig.log->take_notes().empty());
  CHECK(rig.log->status().segments == 1);
}

TEST_CASE("disk log: a page that cannot be read costs what stands in it, after some attempts",
          "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  Strings sent;
  while (rig.log->status().segments < 3) {
    sent.push_back(numbered(sent.size()) + std::string(100, 'x'));
    REQUIRE(rig.put(batch_of({sent.back()}, true)));
  }
  const std::size_t page = GENERATE(0, 1, 2, 3);
  CAPTURE(page);
  const std::string path = "/q/0000000000000001.seg";
  rig.files.make_unreadable(path, page * SimulatedFiles::kPageBytes + 700);
  StoredBatch batch;
  std::size_t before = 0;
  while (rig.log->next(batch) == DiskLog::ReadStatus::kBatch) ++before;
  const std::string error = "read " + path + " at byte ";
  CHECK(rig.log->read_error().starts_with(error));
  CHECK((before == 0) == (page < 2));
  SECTION("it could be read again") {
    rig.files.make_readable(path);
    CHECK(before + rig.read().size() == sent.size());
    CHECK(rig.log->status().damaged_records == 0);
  }
  SECTION("its segment is dropped") {
    const std::uint64_t read = rig.log->read_record();
    std::uint64_t told = 0;
    REQUIRE(rig.log->drop_oldest([&](const StoredBatch& each) { told += each.records; }));
    if (page == 1 || page == 2) CHECK(told > 0);
    CHECK(read + told + rig.log->status().damaged_records == rig.log->done_record());
  }
  SECTION("it cannot be read any more") {
    for (unsigned failed = 2; failed < DiskLog::kReadAttempts; ++failed)
      REQUIRE(rig.log->next(batch) == DiskLog::ReadStatus::kError);
    CHECK(rig.log->take_notes().empty());
    const Strings rest = rig.read();
    CAPTURE(rig.log->read_error(), rig.log->status().damaged_records, before);
    REQUIRE(rest.size() > 10);
    CHECK(rest.back() == sent.back());
    const std::uint64_t damaged = rig.log->status().damaged_records;
    CHECK(before + rest.size() + damaged == sent.size());
    CHECK(damaged < (page == 0 ? sent.size() : 40));
    const Strings notes = rig.log->take_notes();
    REQUIRE(notes.size() == 1);
    CHECK(notes[0].starts_with(error + std::to_string(page * SimulatedFiles::kPageBytes) +
                               ": input/output error; "));
    rig.log->delivered(rig.log->read_record());
    rig.log->tick();
    CHECK(rig.files.content(path + ".damaged").size() >= LogRig::kSegmentBytes);
  }
}

TEST_CASE("disk log: what a failed sync has left and the disk does not give back is damage",
          "[queue]") {
  LogRig rig(QueueSync::kInterval);
  REQUIRE(rig.open());
  const Strings sent = fill(rig, 180);
  int failures = 1;
  rig.files.fault = [&](SimulatedFiles::Call call) {
    return call == SimulatedFiles::Call::kSync && failures-- > 0 ? -EIO : 0;
  };
  const std::size_t page = GENERATE(0, 1, 2);
  rig.files.make_unreadable("/q/0000000000000001.seg", page * SimulatedFiles::kPageBytes);
  CHECK_FALSE(rig.log->sync_written());
  int attempts = 1;
  while (rig.log->roll() != DiskLog::RollStatus::kDone) REQUIRE(++attempts < 20);
  CHECK(attempts > 3);
  REQUIRE(rig.put(batch_of({"behind"}, true)));
  const Strings found = rig.read();
  CHECK(found.back() == "behind");
  CHECK(found.size() + rig.log->status().damaged_records == sent.size() + 1);
  CHECK((found.size() == 1) == (page == 0));
}

TEST_CASE("disk log: a start passes over what cannot be read", "[queue]") {
  LogRig rig;
  REQUIRE(rig.open());
  const Strings sent = fill(rig, 180);
  REQUIRE(rig.log->status().segments == 1);
  rig.log->tick();
  rig.log.reset();
  rig.files.kill();
  const std::string path = "/q/0000000000000001.seg";
  SECTION("a page of records") {
    const std::size_t page = GENERATE(1, 2, 3);
    rig.files.make_unreadable(path, page * SimulatedFiles::kPageBytes);
    REQUIRE(rig.open());
    CHECK(rig.recovered.records == 180);
    CHECK(rig.recovered.torn_bytes == 0);
    REQUIRE(rig.recovered.notes.size() == 1);
    CHECK(rig.recovered.notes[0] == "read " + path + " at byte " + std::to_string(page * 4096) +
                                        ": input/output error; what stood there is passed over");
    Strings found;
    for (unsigned i = 0; i < DiskLog::kReadAttempts; ++i) {
      const Strings some = rig.read();
      found.insert(found.end(), some.begin(), some.end());
    }
    CHECK(found.size() > 100);
    CHECK(found.size() + rig.log->status().damaged_records == 180);
  }
  SECTION("the header") {
    rig.files.make_unreadable(path, 0);
    REQUIRE(rig.open());
    CHECK(rig.recovered.notes.at(0) == "/q/0000000000000001.seg: read " + path +
                                           " at byte 0: input/output error; it is passed over and "
                                           "kept as " +
                                           path + ".damaged");
    CHECK(rig.log->status().damaged_records == 180);
  }
  SECTION("what is behind the records") {
    rig.files.content(path).resize(5 * SimulatedFiles::kPageBytes);
    rig.files.make_unreadable(path, 4 * SimulatedFiles::kPageBytes);
    REQUIRE(rig.open());
    CHECK(rig.read() == sent);
    CHECK(rig.log->status().damaged_records == 0);
  }
  SECTION("a slot of the checkpoint") {
    rig.files.make_unreadable("/q/checkpoint", CheckpointFile::kSlotDistance);
    REQUIRE(rig.open());
    CHECK(rig.read() == sent);
    CHECK(rig.log->status().damaged_records == 0);
  }
}
