#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "server/config/config.h"
#include "server/files/file_ops.h"
#include "server/log/log.h"
#include "server/sinks/archive_name.h"

namespace penstock {

/// What became of archives since the start. Any thread.
struct ArchiveCounts {
  std::atomic<std::uint64_t> compressed{0}, removed{0}, failures{0};
};

/// Puts the archives of files right: removes the oldest where there are more than `keep`, compresses those that are not
/// compressed yet, and ends what a crash, a full disk or a stop has left half done. Touches nothing but names that rotation
/// gives (archive_name.h), and those of exactly the files that it is asked about.
///
/// Compressing goes so that each step may be the last one: `.zst.tmp` written and synced; renamed to `.zst`; directory
/// synced; archive removed; directory synced. Whatever is found later says what to do: `.zst.tmp` is never the only copy
/// and is removed; where the archive and its `.zst` are both there, the archive goes if the other unpacks to the same
/// bytes, else the other goes. An archive that some process still has open for writing (a second Penstock on the same
/// file) or locked is left for later. One thread at a time.
class Archives {
 public:
  /// Everything outlives the object. `stop` ends work early, between two steps or in the middle of a compression.
  Archives(std::string sink, const config::Rotate& rotate, FileOps& files,
           const std::atomic<bool>& stop, ArchiveCounts& counts)
      : sink_(std::move(sink)), rotate_(rotate), files_(files), stop_(stop), counts_(counts) {}

  /// Of the files called `names` in `directory`. False: something is left to do, try again later.
  bool tidy(const std::string& directory, const std::set<std::string, std::less<>>& names);

 private:
  struct Forms {
    bool plain = false, zstd = false, unfinished = false;
  };
  using OfOneFile = std::map<std::int64_t, Forms>;  // by time

  bool keep_newest(const std::string& path, OfOneFile& archives);
  bool put_right(const std::string& directory, const std::string& path, std::int64_t time_us,
                 const Forms& forms);
  int finish(const std::string& directory, int plain, const std::string& path, std::int64_t time_us,
             const Forms& forms);
  int compress(const std::string& directory, int plain, const std::string& path,
               std::int64_t time_us);
  int replace(const std::string& directory, int plain, const struct stat& was,
              const std::string& path, std::int64_t time_us);
  int remove(const std::string& name);
  void report(const char* what, const std::string& name, int code);

  std::string sink_;
  config::Rotate rotate_;
  FileOps& files_;
  const std::atomic<bool>& stop_;
  ArchiveCounts& counts_;
  log::RateLimit warnings_;
};

}  // namespace penstock
