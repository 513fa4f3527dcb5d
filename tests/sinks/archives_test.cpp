// What becomes of rotated files: compressed, removed, and put right after a crash.
#include "server/sinks/archives.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <filesystem>

#include "server/sinks/archive_keeper.h"
#include "server/sinks/archive_tree.h"
#include "server/sinks/file_sink.h"
#include "tests/sinks/archive_files.h"
#include "tests/sinks/faulty_files.h"
#include "tests/sinks/file_sinks.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

using namespace penstock;
using namespace penstock::test;

namespace {

std::string archive(int number, ArchiveForm form = ArchiveForm::kPlain) {
  return archive_name("out", number * 1'000'000, form);
}
constexpr ArchiveForm kZstd = ArchiveForm::kZstd, kTmp = ArchiveForm::kUnfinished;

struct Tidier {
  explicit Tidier(config::Rotate rotate, FileOps& files = system_files())
      : archives("archive", rotate, files, stop, counts) {}
  bool tidy(const TempDir& dir) { return archives.tidy(dir.path(), {"out"}); }

  std::atomic<bool> stop{false};
  ArchiveCounts counts;
  Archives archives;
};

constexpr config::Rotate kPack{.compress = config::Compress::kZstd};

std::string packed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

}  // namespace

TEST_CASE("archives: compressed, with their size, a checksum, their mode and their time",
          "[sinks][rotate]") {
  const TempDir dir;
  std::string text;
  for (int at = 0; at < 100'000; ++at) text += "record number " + std::to_string(at) + '\n';
  write_file(dir / archive(1), text);
  REQUIRE(::chmod((dir / archive(1)).c_str(), 0604) == 0);
  const struct stat before = status_of(dir / archive(1));
  Tidier tidier(kPack);
  CHECK(tidier.tidy(dir));
  CHECK(dir.list() == archive(1, kZstd));
  CHECK(unpacked(dir / archive(1, kZstd)) == text);
  CHECK(mode_of(dir / archive(1, kZstd)) == 0604);
  CHECK(status_of(dir / archive(1, kZstd)).st_mtim.tv_sec == before.st_mtim.tv_sec);
  CHECK(tidier.counts.compressed == 1);
  const std::string bytes = read_file(dir / archive(1, kZstd));
  CHECK(ZSTD_getFrameContentSize(bytes.data(), bytes.size()) == text.size());
}

TEST_CASE("archives: what a crash has left behind is put right", "[sinks][rotate]") {
  const auto compress = GENERATE(config::Compress::kNone, config::Compress::kZstd);
  const std::string text = "one\ntwo\n", whole = packed(text);
  const TempDir dir;
  write_file(dir / archive(1, kTmp), whole.substr(0, 3));  // begun
  write_file(dir / archive(1), text);
  write_file(dir / archive(2, kTmp), whole);  // whole, not renamed
  write_file(dir / archive(2), text);
  write_file(dir / archive(3, kZstd), whole);  // renamed, archive not removed
  write_file(dir / archive(3), text);
  write_file(dir / archive(4, kZstd), whole.substr(0, whole.size() - 1));  // lost in a power cut
  write_file(dir / archive(4), text);
  write_file(dir / archive(5, kZstd), "");
  write_file(dir / archive(5), text);
  write_file(dir / archive(6, kZstd), packed("other\n"));
  write_file(dir / archive(6), text);
  write_file(dir / archive(7, kZstd), packed(text + "more\n"));
  write_file(dir / archive(7), text);
  write_file(dir / archive(8, kTmp), "x");  // of nothing
  write_file(dir / archive(9, kZstd), whole);
  Tidier tidier({.compress = compress});
  CHECK(tidier.tidy(dir));
  std::string expected;
  for (const int number : {1, 2, 3, 4, 5, 6, 7, 9}) {
    const bool is_packed = compress == config::Compress::kZstd || number == 3 || number == 9;
    const std::string name = archive(number, is_packed ? kZstd : ArchiveForm::kPlain);
    CAPTURE(name);
    expected += (expected.empty() ? "" : " ") + name;
    CHECK((is_packed ? unpacked(dir / name) : read_file(dir / name)) == text);
  }
  CHECK(dir.list() == expected);
}

TEST_CASE("archives: the newest are kept, compressed or not", "[sinks][rotate]") {
  const auto compress = GENERATE(config::Compress::kNone, config::Compress::kZstd);
  const TempDir dir;
  for (const int number : {1, 3, 5}) write_file(dir / archive(number), "x\n");
  for (const int number : {2, 4}) write_file(dir / archive(number, kZstd), packed("x\n"));
  write_file(dir / archive(2), "x\n");
  write_file(dir / archive(1, kTmp), "x");
  Tidier tidier({.keep = 2, .compress = compress});
  CHECK(tidier.tidy(dir));
  const bool pack = compress == config::Compress::kZstd;
  CHECK(dir.list() == archive(4, kZstd) + ' ' + archive(5, pack ? kZstd : ArchiveForm::kPlain));
  CHECK(tidier.counts.removed == 3);
}

TEST_CASE("archives: nothing else is touched", "[sinks][rotate]") {
  const TempDir dir;
  const std::vector<std::string> strangers = {"out",
                                              "out.1",
                                              "out.bak",
                                              "out.zst",
                                              "out.zst.tmp",
                                              "out.20240101.log",
                                              "other",
                                              archive_name("other", 1, ArchiveForm::kPlain),
                                              archive_name("other", 1, kTmp),
                                              archive_name("out.log", 1, ArchiveForm::kPlain),
                                              archive_name("xout", 1, kTmp),
                                              archive_name(archive(1), 1, ArchiveForm::kPlain),
                                              archive(1) + ".gz",
                                              archive(1) + "~",
                                              "out.20240230T000000.000000Z"};
  for (const std::string& name : strangers) write_file(dir / name, name);
  std::filesystem::create_directory(dir / archive(20));  // a folder of that name
  std::filesystem::create_symlink("out", dir / archive(21));
  write_file(dir / archive(22), "x\n");
  const std::string before = dir.list();
  Tidier tidier({.keep = 3, .compress = config::Compress::kZstd});
  tidier.tidy(dir);
  for (const std::string& name : strangers) CHECK(read_file(dir / name) == name);
  CHECK(exists(dir / archive(20)));
  CHECK(exists(dir / archive(21)));
  CHECK(unpacked(dir / archive(22, kZstd)) == "x\n");
}

TEST_CASE("archives: one that somebody still writes to or works on is left for later",
          "[sinks][rotate]") {
  const TempDir dir;
  write_file(dir / archive(1), "x\n");
  Tidier tidier(kPack);
  SECTION("open for writing") {
    const int fd = ::open((dir / archive(1)).c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    CHECK_FALSE(tidier.tidy(dir));
    CHECK(dir.list() == archive(1));
    REQUIRE(::write(fd, "y\n", 2) == 2);
    ::close(fd);
    CHECK(tidier.tidy(dir));
    CHECK(unpacked(dir / archive(1, kZstd)) == "x\ny\n");
  }
  SECTION("locked") {
    const int fd = ::open((dir / archive(1)).c_str(), O_RDONLY | O_CLOEXEC);
    REQUIRE(system_files().lock(fd) == 0);
    write_file(dir / archive(1, kTmp), "theirs");
    CHECK_FALSE(tidier.tidy(dir));
    CHECK(read_file(dir / archive(1, kTmp)) == "theirs");
    ::close(fd);
    CHECK(tidier.tidy(dir));
    CHECK(dir.list() == archive(1, kZstd));
  }
}

TEST_CASE("archives: whatever fails, the archive stays, and the next time it works",
          "[sinks][rotate]") {
  const TempDir dir;
  const std::string text(300'000, 'x');
  write_file(dir / archive(1), text);
  FaultyFiles files;
  Tidier tidier(kPack, files);
  SECTION("no space") { files.space = 5; }
  SECTION("no write") { files.write_error[".tmp"] = -EIO; }
  SECTION("no sync") { files.sync_error[".tmp"] = -EIO; }
  SECTION("no open") { files.open_error[".tmp"] = -EACCES; }
  SECTION("no rename") { files.rename_error = -EACCES; }
  SECTION("no sync of the directory") { files.directory_sync_error = -EIO; }
  CHECK_FALSE(tidier.tidy(dir));
  CHECK(read_file(dir / archive(1)) == text);
  CHECK_FALSE(exists(dir / archive(1, kTmp)));
  CHECK(tidier.counts.failures == 1);
  files.space = INT64_MAX;
  files.write_error.clear();
  files.sync_error.clear();
  files.open_error.clear();
  files.rename_error = files.directory_sync_error = 0;
  CHECK(tidier.tidy(dir));
  CHECK(dir.list() == archive(1, kZstd));
  CHECK(unpacked(dir / archive(1, kZstd)) == text);
}

TEST_CASE("archives: a stop in the middle leaves the archive, and no half of another",
          "[sinks][rotate]") {
  const TempDir dir;
  write_file(dir / archive(1), std::string(1'000'000, 'x'));
  FaultyFiles files;
  Tidier tidier(kPack, files);
  files.before_write = [&] { tidier.stop = true; };
  CHECK_FALSE(tidier.tidy(dir));
  CHECK(dir.list() == archive(1));
  CHECK(tidier.counts.failures == 0);
}

TEST_CASE("archives: killed behind any system call, the next start has each record once",
          "[sinks][rotate]") {
  const bool torn = GENERATE(false, true);
  const std::string text = "one\ntwo\nthree\n";
  for (int last = 1;; ++last) {
    CAPTURE(last, torn);
    const TempDir dir;
    for (const int number : {1, 2, 3}) write_file(dir / archive(number), text);
    DyingFiles files(last, torn);
    Tidier(kPack, files).tidy(dir);
    DyingFiles living(INT_MAX, false);
    Tidier later(kPack, living);
    CHECK(later.tidy(dir));
    CHECK(dir.list() == archive(1, kZstd) + ' ' + archive(2, kZstd) + ' ' + archive(3, kZstd));
    CHECK(all_text(dir.path()) == text + text + text);
    if (!files.dead()) {
      CHECK(last > 30);  // three times ten calls were tried
      break;
    }
  }
}

TEST_CASE("archives: those of all paths of a template are found", "[sinks][rotate]") {
  const TempDir dir;
  const std::atomic<bool> stop{false};
  const auto put = [&](const std::string& path) {
    std::filesystem::create_directories(dir / std::filesystem::path(path).parent_path().string());
    write_file(dir / archive_name(path, 1, ArchiveForm::kPlain), "x\n");
  };
  put("d/one/2026-11-24.log");
  put("d/one/2026-11-25.log");
  put("d/two/2026-11-25.log");
  put("d/two/other.log");            // not of the template
  put("d/2026-11-25.log");           // too high
  put("d/one/deep/2026-11-25.log");  // too deep
  put("e/one/2026-11-25.log");       // elsewhere
  const auto found = find_archived(system_files(), dir / "d/{listener}/%F.log", stop);
  CHECK(found == NamesByDirectory{{dir / "d/one", {"2026-11-24.log", "2026-11-25.log"}},
                                  {dir / "d/two", {"2026-11-25.log"}}});
  CHECK(find_archived(system_files(), dir / "d/one/2026-11-25.log", stop) ==
        NamesByDirectory{{dir / "d/one", {"2026-11-25.log"}}});
  CHECK(find_archived(system_files(), dir / "nowhere/{peer}", stop).empty());
}

TEST_CASE("archive keeper: works behind the sink, and again after a failure", "[sinks][rotate]") {
  const TempDir dir;
  config::Sink config = config_for(dir / "out");
  config.rotate = {.size_bytes = 4, .compress = config::Compress::kZstd};
  write_file(dir / archive(1), "before\n");
  const int busy = ::open((dir / archive(1)).c_str(), O_WRONLY | O_CLOEXEC);
  ArchiveKeeper keeper(config, system_files(), std::chrono::milliseconds(1));
  keeper.tidy_all();
  write_file(dir / archive(2), "more\n");
  keeper.tidy(dir / "out");
  CHECK(eventually([&] { return exists(dir / archive(2, kZstd)); }));
  CHECK(exists(dir / archive(1)));
  ::close(busy);
  CHECK(eventually([&] { return !exists(dir / archive(1)); }));
  keeper.stop();
  CHECK(dir.list() == archive(1, kZstd) + ' ' + archive(2, kZstd));
  CHECK(keeper.counts().compressed == 2);
}

TEST_CASE("file sink: keeps and compresses what it rotates", "[sinks][rotate]") {
  const TempDir dir;
  config::Sink config = config_for(dir / "out");
  config.rotate = {.size_bytes = 9, .keep = 3, .compress = config::Compress::kZstd};
  FileSink sink(config);
  REQUIRE(sink.open());
  for (int at = 10; at < 30; ++at)
    CHECK(sink.write(line("record" + std::to_string(at))) == WriteStatus::kDelivered);
  REQUIRE(sink.archives() != nullptr);
  CHECK(eventually([&] {
    const auto names = names_in(dir.path());
    return names.size() == 4 && std::count_if(names.begin(), names.end(), [](auto& name) {
                                  return name.ends_with("Z.zst");
                                }) == 3;
  }));
  CHECK(all_text(dir.path()) == "record26\nrecord27\nrecord28\nrecord29\n");
  CHECK(sink.close());
}

namespace {

/// Writes batches until the process dies; how many were delivered.
int write_until_dead(FileSink& sink, const DyingFiles& files, int batches, bool wait) {
  for (int at = 0; at < batches; ++at) {
    const std::string text = std::to_string(at);
    const Batch batch =
        BatchBuilder(1024).lines(kOrigin, kA, 0, {text + "a", text + "b", text + "c"}).take();
    if (sink.write(batch) != WriteStatus::kDelivered) return at;
    if (wait && sink.archives() != nullptr) {
      eventually(
          [&] { return files.dead() || sink.archives()->compressed.load() == sink.rotations(); });
    }
  }
  return batches;
}

std::string wanted_text(int batches) {
  std::string text;
  for (int at = 0; at < batches; ++at) {
    for (const char part : {'a', 'b', 'c'}) text += std::to_string(at) + part + '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("file sink: killed behind any system call while it rotates, nothing is lost or doubled",
          "[sinks][rotate]") {
  const bool torn = GENERATE(false, true);
  config::Sink config = config_for("");
  config.sync = GENERATE(config::Sync::kNever, config::Sync::kAlways);
  config.rotate.size_bytes = 7;
  config.rotate.compress = GENERATE(config::Compress::kNone, config::Compress::kZstd);
  constexpr int kBatches = 4;
  for (int last = 1;; ++last) {
    CAPTURE(last, torn, config.sync, config.rotate.compress);
    const TempDir dir;
    config.path = dir / "out";
    DyingFiles files(last, torn);
    int delivered = 0;
    {
      FileSink sink(config, files);
      if (sink.open()) delivered = write_until_dead(sink, files, kBatches, last % 2 == 0);
    }
    DyingFiles living(INT_MAX, false);
    FileSink next(config, living);
    REQUIRE(next.open());
    CHECK(next.write(line("end")) == WriteStatus::kDelivered);
    const auto settled = [&] {
      for (const std::string& name : names_in(dir.path())) {
        if (name.ends_with(".tmp") || (name != "out" && !name.ends_with(".zst"))) return false;
      }
      return true;
    };
    if (config.rotate.compress == config::Compress::kZstd) CHECK(eventually(settled));
    // What was not delivered may be there, whole, or torn and ended by the repair; nothing twice.
    const std::string text = all_text(dir.path()), want = wanted_text(delivered);
    REQUIRE(text.starts_with(want));
    REQUIRE(text.ends_with("end\n"));
    const std::string in_flight =
        text.substr(want.size(), text.size() - want.size() - std::string("end\n").size());
    const std::string all = wanted_text(delivered + 1).substr(want.size());
    CAPTURE(in_flight);
    if (!all.starts_with(in_flight))  // torn: the repair has ended its last record
      REQUIRE(all.starts_with(in_flight.substr(0, in_flight.size() - 1)));
    if (!files.dead()) {
      CHECK(delivered == kBatches);
      break;
    }
  }
}
