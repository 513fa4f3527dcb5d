#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

/// The names of archives, as files are called once rotation has put them aside: `PATH.20261125T022800.123456Z`, the moment
/// of the rotation in UTC. Why this and not `PATH.1`: one rename a rotation instead of one for each file that is kept, a
/// name stays what it is (for readers, for backups), names sort by age, whatever daylight saving time does, and none is
/// ever used twice: the time is moved behind that of the newest archive where the clock stood still or was set back.
/// Compressed it is called `.zst`, and `.zst.tmp` until it is whole.
enum class ArchiveForm : std::uint8_t { kPlain, kZstd, kUnfinished };

/// What the longest form adds to a file's name.
inline constexpr std::size_t kArchiveSuffixBytes = 32;

struct ArchiveName {
  std::string_view base;     ///< name of the file it was, inside the parsed name
  std::int64_t time_us = 0;  ///< since 1970
  ArchiveForm form = ArchiveForm::kPlain;
};

/// `base`, a path or a name, as an archive. `time_us` lies in the years 1970 to 9999.
std::string archive_name(std::string_view base, std::int64_t time_us, ArchiveForm form);

/// Takes the name of an archive, without directories, apart; nothing but exactly such a name is one.
std::optional<ArchiveName> parse_archive_name(std::string_view name);

}  // namespace penstock
