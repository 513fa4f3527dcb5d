#pragma once

#include <cstdint>
#include <string_view>

namespace penstock {

/// Finds where the whole records of a file end, in encodings where a LF at the end does not show that: a record may hold one,
/// or has none. Gets the file from its beginning to its end, in pieces. One walk, one thread.
class RecordWalk {
 public:
  virtual ~RecordWalk() = default;

  /// What comes next. False: at whole_bytes() begins what is no record of this encoding; then the walk is over.
  virtual bool take(std::string_view bytes) = 0;

  /// Bytes of whole records so far, from where the walk began.
  virtual std::int64_t whole_bytes() const noexcept = 0;

  /// What to write behind the torn record that the bytes so far end in, so that readers pass over it and find the next one.
  /// Empty: nothing does, it has to be cut off. A static text.
  virtual std::string_view ending() const noexcept = 0;
};

}  // namespace penstock
