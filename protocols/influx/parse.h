#pragma once

#include <string>
#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/influx/options.h"

/// InfluxDB line protocol, version 2 ("Line protocol reference" of InfluxDB OSS 2, and the grammar of
/// github.com/influxdata/line-protocol). Pure.
namespace penstock::influx {

inline constexpr std::size_t kMostTags = 256;

/// Parses lines. Keeps only memory for texts with escapes; one thread at a time.
class LineParser {
 public:
  explicit LineParser(const InfluxOptions& options);

  /// One line without its LF, no comment and not blank:
  ///
  ///     measurement[,tag=value[,...]] field=value[,...] [timestamp]
  ///
  /// Fields of the event: `name`, `tags` (map of texts), `fields` (map: `1.5` double, `2i` int64, `3u` uint64, `t`, `True`,
  /// `FALSE` and their like bool, `"text"` string), `timestamp`. A backslash escapes `,` and blank in a measurement, `,`,
  /// `=` and blank in names and in a tag's value, `"` and `\` in a text; before any other byte it is itself.
  ///
  /// A problem: anything else; control characters outside of texts; bytes that are no UTF-8; a tag that comes twice; more
  /// than kMostTags tags; numbers and times that 64 bits do not hold. Then `fields` is to be forgotten.
  Problem parse(std::string_view line, FieldWriter& fields);

 private:
  std::int64_t unit_ns_;
  std::string name_, value_;  // what tokens with escapes mean
};

/// A line that says nothing: blanks only, or a comment.
bool is_blank_or_comment(std::string_view line) noexcept;

}  // namespace penstock::influx
