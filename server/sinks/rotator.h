#pragma once

#include <cstdint>
#include <string>

#include "server/config/config.h"
#include "server/sinks/file_table.h"

namespace penstock {

/// When a file of a sink is moved out of the way (`rotate` of its config), and the move itself: one rename, to the name of an archive
/// (archive_name.h), which never replaces anything. What must be synced, closed and opened around it is the sink's.
class Rotator {
 public:
  /// After a rotation that failed the file goes on for so long before the next attempt.
  static constexpr std::int64_t kRestNs = 10'000'000'000;

  Rotator(const config::Sink& sink, FileOps& files)
      : rotate_(sink.rotate), zone_(sink.timezone), files_(files) {}

  bool enabled() const noexcept { return rotate_.enabled(); }
  bool by_time() const noexcept { return rotate_.every.count() != 0; }
  std::int64_t now_ns() const noexcept { return files_.now_ns(); }

  /// The file was opened, last written at `written_at` (seconds since 1970): its period is the one of that time.
  void opened(OutFile& file, std::int64_t written_at);

  /// A later period has begun. A clock that was set back begins the file's period anew.
  bool is_due(OutFile& file, std::int64_t now_ns);
  /// The file's period is the one of `now_ns`: it was due but empty.
  void begin_period(OutFile& file, std::int64_t now_ns);
  /// Never by time, while it is open: its path is that of a past hour or day.
  static void leave(OutFile& file) noexcept { file.rotation.due = INT64_MAX; }

  /// Bytes that the file may have; INT64_MAX where size does not matter or a rotation has just failed.
  std::int64_t limit(const OutFile& file, std::int64_t now_ns) const noexcept;

  enum class Moved : std::uint8_t {
    kYes,  ///< the file is the archive of `real_path` now
    kGone,  ///< the path leads to another file or to none: somebody else has moved it; nothing was done
    kNo,  ///< it failed, with `error`; the file rests
  };
  Moved move(OutFile& file, std::int64_t now_ns, std::string& real_path, int& error);

 private:
  bool rests(const OutFile& file, std::int64_t now_ns) const noexcept;
  int rename_to_archive(OutFile& file, std::int64_t now_ns, const std::string& real_path);
  std::int64_t newest_archive(const std::string& real_path);

  config::Rotate rotate_;
  config::TimeZone zone_;
  FileOps& files_;
};

}  // namespace penstock
