#pragma once

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/config/config.h"
#include "server/config/path_pattern.h"

namespace penstock {

/// A value from outside as a part of a path: `[A-Za-z0-9._:-]` stays, every other byte and a leading dot become %XX, so
/// it never holds a slash and is never `.` or `..`. Longer than 128 bytes it is cut and ends in a hash of the whole, so
/// that two long values stay two files. An empty value is `_`.
std::string path_value(std::string_view value);

/// `path` of a file sink, taken apart once (config::parse_path has the grammar), rendered for each new origin, peer or
/// receive time. Immutable.
class PathTemplate {
 public:
  /// Errors say what is wrong and what would be right. `suffix_bytes` are kept free behind every name.
  static Result<PathTemplate> parse(std::string_view text, config::TimeZone zone,
                                    std::size_t suffix_bytes = 0);

  /// The same path for every record.
  bool is_static() const noexcept { return !uses_time_ && !uses_origin_ && !uses_peer_; }
  bool uses_time() const noexcept { return uses_time_; }
  bool uses_origin() const noexcept { return uses_origin_; }
  bool uses_peer() const noexcept { return uses_peer_; }

  /// The longest literal directory in front: nothing is ever written outside it, unless by the operator's own symbolic
  /// links. `.` where the first part is not literal.
  const std::string& base_directory() const noexcept { return base_; }

  /// The conversions for a time in seconds since 1970, each followed by a NUL: two times with equal texts give equal paths.
  std::string time_text(std::int64_t seconds) const;

  /// The path of a segment; `time` is what time_text said for its receive time. A component over 255 bytes (less
  /// suffix_bytes) is cut and ends in a hash.
  std::string render(const Segment& segment, std::string_view time) const;

 private:
  PathTemplate(std::vector<config::PathPart> parts, config::TimeZone zone,
               std::size_t max_name_bytes);

  std::vector<config::PathPart> parts_;
  std::string base_;
  config::TimeZone zone_;
  std::size_t max_name_bytes_;
  bool uses_time_ = false, uses_origin_ = false, uses_peer_ = false;
};

}  // namespace penstock
