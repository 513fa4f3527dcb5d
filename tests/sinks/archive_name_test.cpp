#include "server/sinks/archive_name.h"

#include <catch2/catch.hpp>

using namespace penstock;

TEST_CASE("archive names: the moment in UTC, and back", "[sinks][rotate]") {
  const auto [form, text] = GENERATE(table<ArchiveForm, std::string>({
      {ArchiveForm::kPlain, "out.log.20261125T022800.123456Z"},
      {ArchiveForm::kZstd, "out.log.20261125T022800.123456Z.zst"},
      {ArchiveForm::kUnfinished, "out.log.20261125T022800.123456Z.zst.tmp"},
  }));
  const std::int64_t time_us = 1'795'573'680'123'456;
  CHECK(archive_name("out.log", time_us, form) == text);
  CHECK(archive_name("/a/b/out.log", time_us, form) == "/a/b/" + text);
  const auto archive = parse_archive_name(text);
  REQUIRE(archive);
  CHECK(archive->base == "out.log");
  CHECK(archive->time_us == time_us);
  CHECK(archive->form == form);
}

TEST_CASE("archive names: anything else is a stranger's", "[sinks][rotate]") {
  const std::string name = GENERATE(
      as<std::string>{}, "", "out.log", "out.log.1", "out.log.bak", "out.log.zst",
      "out.log.20261125", "out.log.2026-11-25", "out.log.20261125T022800Z",
      "out.log.20261125T022800.123456", "out.log.20261125T022800.12345Z",
      "out.log.20261125T022800.1234567Z", "out.log.20261125T022800.123456z",
      "out.log-20261125T022800.123456Z", "out.log.20261325T022800.123456Z",
      "out.log.20260230T022800.123456Z", "out.log.20261125T242800.123456Z",
      "out.log.20261125T022861.123456Z", "out.log.20261125T022800.123456Z.gz",
      "out.log.20261125T022800.123456Z.tmp", "out.log.20261125T022800.123456Z.zst.tmp.tmp",
      "out.log.20261125T022800.123456Z.bak", "out.log.2026112AT022800.123456Z",
      ".20261125T022800.123456Z", "20261125T022800.123456Z", "out.log.19691231T235959.000000Z");
  CAPTURE(name);
  CHECK_FALSE(parse_archive_name(name));
}

TEST_CASE("archive names: that of an archive's archive belongs to the archive", "[sinks][rotate]") {
  const std::string once = archive_name("a", 1'000'000, ArchiveForm::kPlain);
  const std::string twice = archive_name(once, 2'000'000, ArchiveForm::kZstd);
  const auto archive = parse_archive_name(twice);
  REQUIRE(archive);
  CHECK(archive->base == once);
}

TEST_CASE("archive names sort by age, compressed or not", "[sinks][rotate]") {
  std::string before;
  for (std::int64_t time_us = 0; time_us < 200'000'000'000'000; time_us += 7'777'777'777'777) {
    for (const auto form : {ArchiveForm::kPlain, ArchiveForm::kZstd, ArchiveForm::kUnfinished}) {
      const std::string name = archive_name("a.log", time_us, form);
      CHECK(before < name);
      before = name;
    }
  }
}
