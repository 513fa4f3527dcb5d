#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <unordered_map>

#include "protocols/core/batch.h"
#include "server/sinks/file_table.h"
#include "server/sinks/path_template.h"

namespace penstock {

/// Finds the file of a segment without rendering its path again: remembered by what the template looks at (listener
/// address, peer) for as long as the rendered time stays the same. A static path costs one comparison.
class PathRouter {
 public:
  PathRouter(PathTemplate path, FileTable& files) : path_(std::move(path)), files_(files) {}

  OutFile& file_for(const Segment& segment);

  /// Before a batch is planned: bounds what is remembered. May free closed OutFiles.
  void begin_batch();

  /// Nothing has come since: the time that the paths hold is that of the clock, where it is later than the last segment's.
  void advance(std::int64_t now_ns);

  /// A record received in `second` goes to this path, as far as the time in it is concerned.
  bool is_path_of(const OutFile& file, std::int64_t second) const;

  std::uint64_t epoch() const noexcept { return epoch_; }  ///< rises when the rendered time changes
  /// Receive time of the last segment whose path holds a time, or what advance() said since; seconds since 1970.
  std::int64_t second() const noexcept { return second_; }
  const PathTemplate& path() const noexcept { return path_; }

 private:
  using Key = std::array<std::uint64_t, 4>;
  struct KeyHash {
    std::size_t operator()(const Key& key) const noexcept;
  };

  Key key_of(const Segment& segment) const noexcept;
  void update_time(std::int64_t time_ns);

  PathTemplate path_;
  FileTable& files_;
  std::unordered_map<Key, OutFile*, KeyHash> known_;
  Key last_key_{};
  OutFile* last_ = nullptr;
  std::int64_t second_ = INT64_MIN;
  std::string time_;
  std::uint64_t epoch_ = 1;
  std::uint64_t swept_epoch_ = 1;
};

}  // namespace penstock
