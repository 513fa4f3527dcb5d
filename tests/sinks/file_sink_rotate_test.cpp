// Rotation: when, what it is called, what fails, and what then becomes of the records.
#include <catch2/catch.hpp>

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "server/sinks/file_sink.h"
#include "tests/sinks/archive_files.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 86400 * kSecond;
constexpr std::int64_t kNoon = 20'000 * kDay + kDay / 2;   // 2024-10-04, and files are older
constexpr std::int64_t kToday = 40'000 * kDay + kDay / 2;  // 2079-07-08, and files are of long ago

config::Sink by_size(const std::string& path, std::size_t bytes,
                     config::Sync sync = config::Sync::kNever) {
  config::Sink config = config_for(path, sync);
  config.rotate.size_bytes = bytes;
  return config;
}

config::Sink by_time(const std::string& path, std::chrono::seconds every) {
  config::Sink config = config_for(path);
  config.rotate.every = every;
  return config;
}

Batch lines(const std::vector<std::string>& texts) {
  return BatchBuilder().lines(kOrigin, kA, 0, texts).take();
}

/// What each file of the directory holds, oldest first, `|` between two.
std::string contents(const TempDir& dir) {
  std::string text;
  for (const std::string& name : names_in(dir.path()))
    text += (text.empty() ? "" : "|") + read_file(dir / name);
  return text;
}

}  // namespace

TEST_CASE("file sink: rotation by size splits a batch between records, at the size",
          "[sinks][rotate]") {
  const bool opaque = GENERATE(false, true);
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kNoon;
  FileSink sink(by_size(dir / "out", 6), files);
  REQUIRE(sink.open());
  BatchBuilder builder;
  const std::vector<std::string> texts = {"aa", "bb", "cc", "dddddddd", "e", "f", "g", "h"};
  opaque ? builder.opaque(kOrigin, kA, 0, texts) : builder.lines(kOrigin, kA, 0, texts);
  CHECK(sink.write(builder.take()) == WriteStatus::kDelivered);
  // Six bytes: full, not over; a record that is larger than the limit has a file of its own.
  CHECK(contents(dir) == "aa\nbb\n|cc\n|dddddddd\n|e\nf\ng\n|h\n");
  CHECK(sink.rotations() == 4);
  CHECK(names_in(dir.path()).front() == "out.20241004T120000.000000Z");
  CHECK(names_in(dir.path())[1] == "out.20241004T120000.000001Z");
}

TEST_CASE("file sink: what a file holds at the start counts for its size", "[sinks][rotate]") {
  const TempDir dir;
  write_file(dir / "out", "before\n");
  FileSink sink(by_size(dir / "out", 9));
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "before\na\n|b\n");
}

TEST_CASE("file sink: rotation by size goes by each rendered path", "[sinks][rotate]") {
  const TempDir dir;
  config::Sink config = by_size(dir / "{peer}", 6);
  config.max_open_files = GENERATE(as<std::size_t>{}, 1, 128);
  FileSink sink(config);
  REQUIRE(sink.open());
  for (int round = 0; round < 3; ++round) CHECK(sink.write(two_peers()) == WriteStatus::kDelivered);
  std::string a, b;
  for (const std::string& name : names_in(dir.path())) {
    CHECK(read_file(dir / name).size() <= 6);
    (name.starts_with("10.0.0.1") ? a : b) += read_file(dir / name);
  }
  // The file itself comes first there; its records are the last ones.
  CHECK(a.size() == 3 * kTextA.size());
  CHECK(b.size() == 3 * kTextB.size());
}

TEST_CASE("file sink: a torn record is ended in its file before that is rotated",
          "[sinks][rotate]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  const std::string all = "first\nsecond\nthird\n";
  for (std::size_t space = 0; space < all.size(); ++space) {
    const TempDir dir;
    FaultyFiles files;
    files.clock_ns = kNoon;
    FileSink sink(by_size(dir / "out", 8, sync), files);
    REQUIRE(sink.open());
    const Batch batch = lines({"first", "second", "third"});
    files.space = static_cast<std::int64_t>(space);
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    files.space = INT64_MAX;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CAPTURE(space);
    CHECK(contents(dir) == "first\n|second\n|third\n");
  }
}

TEST_CASE(
    "file sink: sync = always syncs the old file before its name changes, and the directory before "
    "delivered",
    "[sinks][rotate][sync]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kNoon;
  FileSink sink(by_size(dir / "out", 4, config::Sync::kAlways), files);
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a"})) == WriteStatus::kDelivered);
  const std::size_t syncs = files.syncs, directories = files.directory_syncs;
  std::size_t syncs_at_rename = 0;
  files.before_rename = [&] { syncs_at_rename = files.syncs; };
  CHECK(sink.write(lines({"b", "c"})) == WriteStatus::kDelivered);
  CHECK(syncs_at_rename == syncs + 1);  // with `b`
  CHECK(files.syncs == syncs + 2);
  CHECK(files.directory_syncs == directories + 1);
  CHECK(contents(dir) == "a\nb\n|c\n");

  SECTION("a directory that cannot be synced: not delivered, and written once") {
    files.directory_sync_error = -EIO;
    const Batch batch = lines({"ddd"});
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    CHECK(contents(dir) == "a\nb\n|c\n|");
    files.directory_sync_error = 0;
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(contents(dir) == "a\nb\n|c\n|ddd\n");
  }
  SECTION("an old file that cannot be synced stays, without what was written last") {
    files.sync_error["out"] = -EIO;
    const Batch batch = lines({"d", "e"});
    CHECK(sink.write(batch) == WriteStatus::kRetry);
    CHECK(contents(dir) == "a\nb\n|c\n");
    files.sync_error.clear();
    CHECK(sink.write(batch) == WriteStatus::kDelivered);
    CHECK(contents(dir) == "a\nb\n|c\nd\n|e\n");
  }
}

TEST_CASE(
    "file sink: where rotation fails, writing goes on into the same file and it is tried again",
    "[sinks][rotate]") {
  const auto sync = GENERATE(config::Sync::kNever, config::Sync::kInterval, config::Sync::kAlways);
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kNoon;
  FileSink sink(by_size(dir / "out", 4, sync), files);
  REQUIRE(sink.open());
  files.rename_error = GENERATE(-EACCES, -ENOSPC, -EROFS);
  CHECK(sink.write(lines({"a", "b", "c", "d"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\nc\nd\n");
  CHECK(sink.failed_rotations() == 1);
  files.rename_error = 0;
  CHECK(sink.write(lines({"e"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\nc\nd\ne\n");
  files.clock_ns += Rotator::kRestNs;
  CHECK(sink.write(lines({"f"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\nc\nd\ne\n|f\n");
}

TEST_CASE("file sink: a file that somebody else has moved, removed or replaced is left alone",
          "[sinks][rotate]") {
  const TempDir dir;
  FileSink sink(by_size(dir / "out", 4));
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  SECTION("moved") {
    std::filesystem::rename(dir / "out", dir / "moved");
    CHECK(sink.write(lines({"c"})) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "moved") == "a\nb\n");
  }
  SECTION("replaced") {
    std::filesystem::rename(dir / "out", dir / "moved");
    write_file(dir / "out", "x\n");
    CHECK(sink.write(lines({"c"})) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "out") == "x\nc\n");
  }
  SECTION("removed") {
    std::filesystem::remove(dir / "out");
    CHECK(sink.write(lines({"c"})) == WriteStatus::kDelivered);
    CHECK(read_file(dir / "out") == "c\n");
  }
  CHECK(sink.rotations() == 0);
}

TEST_CASE("file sink: a new file that cannot be made is waited for", "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kNoon;
  FileSink sink(by_size(dir / "out", 4), files);
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  files.open_error["out"] = -EMFILE;
  const Batch batch = lines({"c"});
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  CHECK(sink.write(batch) == WriteStatus::kRetry);
  files.open_error.clear();
  CHECK(sink.write(batch) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\n|c\n");
}

TEST_CASE("file sink: an archive is never replaced, and names rise when the clock is set back",
          "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kNoon;
  write_file(dir / archive_name("out", kNoon / 1000 + 5, ArchiveForm::kZstd), "theirs");
  FileSink sink(by_size(dir / "out", 2), files);
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  files.clock_ns -= kDay;
  CHECK(sink.write(lines({"c", "d"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "theirs|a\n|b\n|c\n|d\n");
  // Somebody else rotates in between: looked at again.
  write_file(dir / archive_name("out", kNoon / 1000 + 9, ArchiveForm::kPlain), "taken");
  CHECK(sink.write(lines({"e"})) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "theirs|a\n|b\n|c\n|taken|d\n|e\n");
}

TEST_CASE("file sink: the file behind a symbolic link is rotated, beside itself",
          "[sinks][rotate]") {
  const TempDir dir;
  std::filesystem::create_directory(dir / "disk");
  std::filesystem::create_symlink("disk/target", dir / "out");
  FileSink sink(by_size(dir / "out", 2));
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  CHECK(std::filesystem::is_symlink(dir / "out"));
  CHECK(read_file(dir / "disk/target") == "b\n");
  REQUIRE(names_in(dir / "disk").size() == 2);
  CHECK(names_in(dir / "disk")[0].starts_with("target.20"));
  CHECK(all_text(dir / "disk") == "a\nb\n");
}

TEST_CASE("file sink: FIFOs and devices are not rotated", "[sinks][rotate]") {
  FileSink sink(by_size("/dev/null", 2));
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b", "c"})) == WriteStatus::kDelivered);
  CHECK(sink.rotations() == 0);
  CHECK(exists("/dev/null"));
}

TEST_CASE("file sink: rotation by time, with a record and without one", "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kToday;
  write_file(dir / "out", "of long ago\n");
  FileSink sink(by_time(dir / "out", std::chrono::hours(1)), files);
  REQUIRE(sink.open());
  SECTION("the next record") {
    CHECK(sink.write(line("a")) == WriteStatus::kDelivered);
    CHECK(contents(dir) == "of long ago\n|a\n");
  }
  SECTION("none comes") {
    sink.tick();
    CHECK(contents(dir) == "of long ago\n|");
    sink.tick();
    CHECK(contents(dir) == "of long ago\n|");
    CHECK(sink.rotations() == 1);
  }
}

TEST_CASE("file sink: rotation by time is on the clock, once a period, and never of an empty file",
          "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kToday + 600 * kSecond;
  // The new file has the real clock's time, long before: it is empty, so its period begins when it gets its first record.
  FileSink sink(by_time(dir / "out", std::chrono::hours(1)), files);
  REQUIRE(sink.open());
  sink.tick();
  CHECK(sink.write(line("a")) == WriteStatus::kDelivered);
  files.clock_ns = kToday + 3599 * kSecond;
  CHECK(sink.write(line("b")) == WriteStatus::kDelivered);
  sink.tick();
  CHECK(contents(dir) == "a\nb\n");
  files.clock_ns = kToday + 3600 * kSecond;
  sink.tick();
  CHECK(contents(dir) == "a\nb\n|");
  CHECK(names_in(dir.path()).front() == "out.20790708T130000.000000Z");
  files.clock_ns = kToday + 10 * 3600 * kSecond;
  sink.tick();
  CHECK(sink.write(line("c")) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\n|c\n");
  // The clock is set back by a day: the period begins anew, and ends at its end.
  files.clock_ns -= kDay;
  CHECK(sink.write(line("d")) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\n|c\nd\n");
  files.clock_ns += 3600 * kSecond;
  CHECK(sink.write(line("e")) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\nb\n|c\nd\n|e\n");
}

TEST_CASE("file sink: a path of a past time is not rotated by time", "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kToday;
  FileSink sink(by_time(dir / "%F", std::chrono::hours(1)), files);
  REQUIRE(sink.open());
  CHECK(sink.write(line("a", kA, kToday)) == WriteStatus::kDelivered);
  files.clock_ns += 3600 * kSecond;
  CHECK(sink.write(line("b", kA, kToday + 3600 * kSecond)) == WriteStatus::kDelivered);
  CHECK(contents(dir) == "a\n|b\n");
  files.clock_ns += kDay;
  sink.tick();
  // A record that is late goes to its day's file.
  CHECK(sink.write(line("c", kA, kToday + 3600 * kSecond)) == WriteStatus::kDelivered);
  sink.tick();
  CHECK(contents(dir) == "a\n|b\nc\n");
}

TEST_CASE("file sink: an idle file of a peer is rotated and not made again", "[sinks][rotate]") {
  const TempDir dir;
  FaultyFiles files;
  files.clock_ns = kToday;
  FileSink sink(by_time(dir / "{peer}", std::chrono::hours(24)), files);
  REQUIRE(sink.open());
  CHECK(sink.write(line("a")) == WriteStatus::kDelivered);
  files.clock_ns += kDay;
  sink.tick();
  REQUIRE(names_in(dir.path()).size() == 1);
  CHECK(names_in(dir.path())[0].starts_with("10.0.0.1.2079"));
  CHECK(files.open_now() == 0);
}

TEST_CASE("file sink: a name is cut where its archives would not fit", "[sinks][rotate]") {
  const TempDir dir;
  FileSink sink(by_size(dir / std::string(250, 'n'), 2));
  REQUIRE(sink.open());
  CHECK(sink.write(lines({"a", "b"})) == WriteStatus::kDelivered);
  CHECK(sink.rotations() == 1);
  CHECK(all_text(dir.path()).size() == 4);
}

TEST_CASE("file sink: two sinks on one file lose and double nothing", "[sinks][rotate]") {
  const TempDir dir;
  config::Sink config = by_size(dir / "out", 64);
  config.rotate.compress = config::Compress::kZstd;
  {
    FileSink one(config), other(config);
    REQUIRE(one.open());
    REQUIRE(other.open());
    for (int at = 0; at < 400; ++at) {
      FileSink& sink = at % 3 == 0 ? one : other;
      CHECK(sink.write(line("record " + std::to_string(at))) == WriteStatus::kDelivered);
      if (at % 16 == 0) sink.tick();
    }
    CHECK(one.close());
    CHECK(other.close());
  }
  std::vector<std::string> names = names_in(dir.path());
  for (const std::string& name : names) {
    if (name.ends_with(".tmp") ||
        (!name.ends_with(".zst") && std::count(names.begin(), names.end(), name + ".zst") != 0))
      std::filesystem::remove(dir / (name.ends_with(".tmp") ? name : name + ".zst"));
  }
  std::vector<std::string> got = lines_of(all_text(dir.path())), want;
  for (int at = 0; at < 400; ++at) want.push_back("record " + std::to_string(at));
  std::sort(got.begin(), got.end());
  std::sort(want.begin(), want.end());
  CHECK(got == want);
}
