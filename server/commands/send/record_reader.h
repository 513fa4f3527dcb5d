#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "protocols/core/result.h"

namespace penstock {

/// Gives records one by one. One thread.
class RecordReader {
 public:
  enum class Got { kRecord, kNotYet, kEnd };

  virtual ~RecordReader() = default;
  /// kRecord: `record` holds it. kNotYet: the input (a pipe, a terminal) has nothing now; wait on fd().
  virtual Got next(std::string& record) = 0;
  virtual int fd() const { return -1; }
  /// Every byte counts. Otherwise records are lines, and a CR at the end belongs to the line's end.
  virtual bool exact() const { return true; }
  /// Lines that were no records, or an error of reading; told on stderr when met.
  virtual std::uint64_t bad() const { return 0; }
};

/// The lines of a file, without their LF; the last one may lack it. `-` is standard input.
Result<std::unique_ptr<RecordReader>> open_lines(const std::string& path);
/// The bytes of the entries of a quarantine file or a dump of a queue, in its order; with `listener` only that one's, and
/// it counts as bad when there are none. A line that is no entry is told, counted and passed over.
Result<std::unique_ptr<RecordReader>> open_replay(const std::string& path,
                                                  const std::string& listener = {});
/// This one record.
std::unique_ptr<RecordReader> one_record(std::string record);

}  // namespace penstock
