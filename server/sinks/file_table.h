#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "server/files/file_ops.h"
#include "server/sinks/open_file.h"

namespace penstock {

inline constexpr std::uint32_t kNoPart = UINT32_MAX;

/// Where a file stands in its rotation (Rotator).
struct RotationState {
  std::int64_t since = 0;           ///< when its period began, seconds since 1970
  std::int64_t due = INT64_MAX;     ///< when the next one begins
  std::int64_t rests_from_ns = -1;  ///< a rotation has failed then: none for a while
  std::int64_t newest_us = -1;  ///< time in the name of its newest archive; -1: not looked at yet
};

/// One file by its path, open or not. Lives in a FileTable; its address is stable until forget_closed().
struct OutFile {
  std::string path;
  int fd = -1;
  bool regular = false;
  bool unsynced = false;       ///< written since the last sync
  bool unsynced_name = false;  ///< created, its directory not synced yet
  std::string torn_tail;       ///< ends in a torn record that could not be cut off: this goes first
  bool reader_gone = false;    ///< the last write found that nobody has this FIFO open to read
  std::uint32_t part = kNoPart;  ///< its part of the batch in hand
  std::uint64_t epoch = 0;       ///< PathRouter::epoch() when last used
  std::int64_t used = 0;         ///< PathRouter::second() when last used
  std::int64_t rendered = 0;     ///< a second at which the path holds the time that it does
  RotationState rotation;
  KnownEnd known_end;                     ///< of the file that was open here last
  std::list<OutFile*>::iterator place{};  ///< in the table's list of open files
};

/// The files a sink knows, and which of them are open, least recently used last. Policy (what must happen before one is
/// closed) is the sink's.
class FileTable {
 public:
  explicit FileTable(FileOps& files) : files_(files) {}
  FileTable(const FileTable&) = delete;
  FileTable& operator=(const FileTable&) = delete;
  ~FileTable();  ///< closes what is still open

  OutFile& find(const std::string& path);  ///< the entry, made at first use
  std::size_t known() const noexcept { return by_path_.size(); }
  void forget_closed();  ///< drops entries that are neither open nor part of the batch in hand

  void opened(OutFile& file, int fd);  ///< the table owns `fd` from here on
  void touch(OutFile& file) noexcept;  ///< most recently used
  int close(OutFile& file) noexcept;   ///< 0 or a negated errno; closed in either case

  /// Open files, most recently used first.
  const std::list<OutFile*>& open() const noexcept { return open_; }

 private:
  FileOps& files_;
  std::unordered_map<std::string, std::unique_ptr<OutFile>> by_path_;
  std::list<OutFile*> open_;
};

}  // namespace penstock
