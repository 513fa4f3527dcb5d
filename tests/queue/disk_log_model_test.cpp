#include <catch2/catch.hpp>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/queue/rig.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::uint64_t kUsualSegments = 64;
constexpr std::size_t kMostRecordsAPage = 120;  // with the batches that reach into it

/// A log, and beside it what must hold: every record that was kept is read until it is delivered or dropped, nothing
/// else is.
class Model {
 public:
  explicit Model(unsigned seed, QueueSync sync = QueueSync::kBatch,
                 std::uint64_t most = kUsualSegments * LogRig::kSegmentBytes)
      : random_(seed), rig_(sync, most) {}

  LogRig& rig() { return rig_; }
  std::mt19937& random() { return random_; }

  void open() {
    if (!rig_.open()) {
      rig_.files.fault = nullptr;
      INFO(rig_.error);
      REQUIRE(rig_.open());
    }
    last_read_ = 0;
  }

  void put(std::size_t records) {
    std::vector<std::string> frames;
    for (std::size_t i = 0; i < records; ++i) {
      const std::string text = std::to_string(++serial_) + " ";
      frames.push_back(text + std::string(random_() % 300, 'x'));
      sent_.push_back(frames.back());
    }
    const bool kept = rig_.put(batch_of(frames, random_() % 2 == 0));
    const std::uint64_t end = rig_.log->done_record() + rig_.log->status().records;
    for (std::size_t i = 0; i < records; ++i)
      if (kept) kept_[serial_ - i] = end - 1 - i;
  }

  /// What was read and not delivered stays in flight, but no later start finds it.
  void drop_oldest() {
    std::uint64_t told = 0;
    const std::uint64_t read = rig_.log->read_record();
    const bool dropped =
        rig_.log->drop_oldest([&](const StoredBatch& each) { told += each.records; });
    if (!dropped) return;
    const std::uint64_t done = rig_.log->done_record();
    if (!rig_.files.fault && rig_.files.calls_left == UINT_MAX)
      CHECK(told == (done > read ? done - read : 0));
    std::erase_if(kept_, [&](const auto& each) { return each.second < done; });
  }

  /// Up to `batches`; those that are read are delivered, but for the last.
  void read(std::size_t batches) {
    StoredBatch batch;
    for (; batches > 0 && rig_.log->next(batch) == DiskLog::ReadStatus::kBatch; --batches) {
      for (const std::string& frame : frames_of(batch.batch)) take(frame);
      if (batches == 1) return;
      rig_.log->delivered(batch.end_record());
      for (const std::size_t serial : std::exchange(in_flight_, {})) kept_.erase(serial);
    }
  }

  void stop_in_mid_flight(bool power) {
    damaged_ += rig_.log->status().damaged_records;
    failed_syncs_ += rig_.log->status().failed_syncs;
    rig_.log.reset();
    in_flight_.clear();
    if (power)
      rig_.files.cut_power(random_);
    else
      rig_.files.kill();
  }

  /// The machine stands still in the middle of what it does.
  void die_in(std::size_t calls, bool dropping = false) {
    rig_.files.calls_left = static_cast<unsigned>(calls);
    if (dropping) drop_oldest();
    if (random_() % 2 == 0) read(3);
    put(1 + random_() % 12);
  }

  void tick() { rig_.log->tick(); }

  /// As QueueSync::kInterval wants it.
  void sync() {
    if (!rig_.log->sync_written()) rig_.log->roll();
  }

  /// A page of a segment, its header's as well, cannot be read from now on.
  void break_page() {
    std::vector<std::string> segments;
    for (const std::string& name : rig_.files.names())
      if (name.ends_with(".seg")) segments.push_back(name);
    if (segments.empty()) return;
    const std::string& name = segments[random_() % segments.size()];
    rig_.files.make_unreadable(name, random_() % (rig_.files.content(name).size() + 1));
    ++broken_pages_;
  }

  void stop_cleanly() {
    REQUIRE(rig_.log->close());
    stop_in_mid_flight(false);
  }

  /// Everything that was kept is there, or is counted as damaged, and nothing waits for what cannot be read.
  void check_all_but_damaged() {
    const unsigned most_attempts = (broken_pages_ + 1) * DiskLog::kReadAttempts;
    for (unsigned attempt = 0; attempt < most_attempts && !rig_.log->all_read(); ++attempt)
      read(SIZE_MAX);
    REQUIRE(rig_.log->all_read());
    rig_.log->delivered(rig_.log->read_record());
    for (const std::size_t serial : std::exchange(in_flight_, {})) kept_.erase(serial);
    CHECK(kept_.size() <= damaged());
    CHECK(kept_.size() <= broken_pages_ * kMostRecordsAPage);
    CHECK(rig_.log->status().records == 0);
    rig_.log->tick();
    CHECK(rig_.log->status().segments <= 1);
  }
  std::size_t lost() const { return kept_.size(); }
  std::uint64_t damaged() const { return damaged_ + rig_.log->status().damaged_records; }
  std::uint64_t failed_syncs() const { return failed_syncs_ + rig_.log->status().failed_syncs; }

  /// Everything that was kept is there.
  void check_all() {
    read(SIZE_MAX);
    rig_.log->delivered(rig_.log->read_record());
    for (const std::size_t serial : std::exchange(in_flight_, {})) kept_.erase(serial);
    CHECK(kept_.empty());
    CHECK(rig_.log->status().records == 0);
  }

 private:
  static std::size_t serial_of(const std::string& frame) { return std::stoul(frame); }
  void take(const std::string& frame) {
    const std::size_t serial = serial_of(frame);
    REQUIRE(serial <= sent_.size());
    REQUIRE(frame == sent_[serial - 1]);  // neither altered nor invented
    REQUIRE(serial > last_read_);         // in order, once between two starts
    last_read_ = serial;
    in_flight_.push_back(serial);
  }

  std::mt19937 random_;
  LogRig rig_;
  std::size_t serial_ = 0, last_read_ = 0;
  std::vector<std::string> sent_;
  std::map<std::size_t, std::uint64_t> kept_;  // and not delivered or dropped: its record
  std::vector<std::size_t> in_flight_;
  std::uint64_t damaged_ = 0, failed_syncs_ = 0;  // before the last start
  unsigned broken_pages_ = 0;
};

/// `power`: it may fail as well; with syncs now and then that loses what was acknowledged.
void run_some(Model& model, unsigned steps, bool power = true) {
  for (unsigned step = 0; step < steps; ++step) {
    switch (model.random()() % 8) {
      case 0:
      case 1:
      case 2:
      case 3: model.put(1 + model.random()() % 12); break;
      case 4:
      case 5: model.read(1 + model.random()() % 6); break;
      case 6: model.tick(); break;
      default:
        if (!power) {
          model.sync();
          if (model.random()() % 4 != 0) break;
          model.tick();  // what it says is durable is counted where it is missing
          model.stop_in_mid_flight(false);
          model.open();
          break;
        }
        if (model.random()() % 3 != 0) break;
        if (model.random()() % 2 == 0) {
          model.stop_in_mid_flight(false);
        } else {
          model.die_in(model.random()() % 8);
          model.stop_in_mid_flight(true);
        }
        model.open();
    }
  }
}

}  // namespace

TEST_CASE("disk log model: power cuts and kills at any moment lose nothing that was kept",
          "[queue]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    model.open();
    run_some(model, 250);
    model.stop_in_mid_flight(true);
    model.open();
    model.check_all();
    CHECK(model.rig().log->status().damaged_records == 0);
  }
}

TEST_CASE("disk log model: what is dropped is told once, and is no damage after any crash",
          "[queue]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Model model(seed, QueueSync::kBatch, 6 * LogRig::kSegmentBytes);
    model.open();
    for (unsigned round = 0; round < 20; ++round) {
      run_some(model, 10);
      model.drop_oldest();
      if (round % 3 != 0) continue;
      model.die_in(model.random()() % 12, true);
      model.stop_in_mid_flight(seed % 2 == 0);
      model.open();
      CHECK(model.rig().log->status().damaged_records == 0);
    }
    model.check_all();
    CHECK(model.rig().log->status().damaged_records == 0);
  }
}

TEST_CASE("disk log model: nor do failures of any call, now and then or for a while", "[queue]") {
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    model.open();
    std::mt19937 faults(seed);
    unsigned bad = 0;
    model.rig().files.fault = [&](SimulatedFiles::Call call) {
      if (bad == 0 && faults() % 60 == 0) bad = 1 + static_cast<unsigned>(faults() % 12);
      if (bad == 0) return 0;
      --bad;
      if (call == SimulatedFiles::Call::kWrite && faults() % 2 == 0) return -1;  // short
      return faults() % 2 == 0 ? -EIO : -ENOSPC;
    };
    run_some(model, 250);
    model.rig().files.fault = nullptr;
    model.stop_in_mid_flight(seed % 2 == 0);
    model.open();
    model.check_all();
  }
}

TEST_CASE("disk log model: nor do syncs that fail while writes do, with a sync now and then",
          "[queue]") {
  std::uint64_t failed_syncs = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Model model(seed, QueueSync::kInterval);
    model.open();
    std::mt19937 faults(seed);
    unsigned bad = 0;
    model.rig().files.fault = [&](SimulatedFiles::Call call) {
      if (call == SimulatedFiles::Call::kRead || !model.rig().log) return 0;  // nor at a start
      if (bad == 0 && faults() % 40 == 0) bad = 1 + static_cast<unsigned>(faults() % 12);
      if (bad == 0) return 0;
      --bad;
      return call == SimulatedFiles::Call::kWrite && faults() % 2 == 0 ? -1 : -ENOSPC;
    };
    run_some(model, 250, false);
    failed_syncs += model.failed_syncs();
    model.rig().files.fault = nullptr;
    model.sync();
    model.check_all();
    CHECK(model.damaged() == 0);
  }
  CHECK(failed_syncs > 60);
}

TEST_CASE("disk log model: pages that cannot be read cost what stands in them, which is counted",
          "[queue]") {
  std::size_t lost = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    INFO("seed " << seed);
    Model model(seed);
    model.open();
    for (unsigned round = 0; round < 12; ++round) {
      run_some(model, 15, false);
      if (round % 2 == 0) model.break_page();
      if (round % 4 != 3) continue;
      model.stop_cleanly();
      model.open();
    }
    model.check_all_but_damaged();
    lost += model.lost();
  }
  CHECK(lost > 500);  // else this has tried nothing
}

TEST_CASE("disk log model: whichever call is the one that fails, no restart is needed", "[queue]") {
  const int error = GENERATE(-EIO, -ENOSPC, -1);
  const QueueSync sync = GENERATE(QueueSync::kBatch, QueueSync::kInterval);
  for (unsigned nth = 1;; ++nth) {
    INFO("call " << nth << " error " << error);
    Model model(7, sync);
    unsigned calls = 0;
    bool failed = false;
    model.rig().files.fault = [&](SimulatedFiles::Call call) {
      if (++calls != nth) return 0;
      failed = true;
      return error == -1 && call != SimulatedFiles::Call::kWrite ? -EIO : error;
    };
    model.open();
    for (int i = 0; i < 60; ++i) {
      model.put(10);
      if (i % 5 == 4) model.read(5);
      if (i % 7 == 6) model.tick();
      if (i % 9 == 8) model.rig().log->sync_written();
    }
    model.check_all();
    if (!failed) {
      CHECK(nth > 100);
      break;
    }
  }
}
