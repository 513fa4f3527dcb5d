#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocols/core/batch.h"

namespace penstock {

/// What stands in front of every record of a segment: `{"time":"...","listener":"...","url":"...","peer":{...},"flags":[`.
/// Remembers the last one, for segments come in runs of one listener and peer that differ in their time alone. One
/// thread.
class JsonHead {
 public:
  /// The same text for the same segment, always. Valid until the next call.
  std::string_view of(const Segment& segment);

 private:
  void render(const Segment& segment);

  std::string text_;  // empty: none yet
  const Origin* origin_ = nullptr;
  Peer peer_;
  std::int64_t time_ns_ = 0;
};

}  // namespace penstock
