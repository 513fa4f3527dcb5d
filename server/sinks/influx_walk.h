#pragma once

#include <string>

#include "protocols/core/batch.h"
#include "protocols/influx/framer.h"
#include "server/sinks/record_walk.h"

namespace penstock {

/// Of files of `encoding = "influx"`, where a text may hold LF. A torn line gets an end with which it is none of a point:
/// the front of a line may be one, with another number or time. Any file is legal, as any text is lines. Holds one line.
class InfluxWalk final : public RecordWalk {
 public:
  bool take(std::string_view bytes) override;
  std::int64_t whole_bytes() const noexcept override { return whole_; }
  std::string_view ending() const noexcept override;

 private:
  influx::LineFramer framer_{kMaxFrameBytes};
  std::string line_;  // the front of one that is not whole yet
  std::int64_t at_ = 0;
  std::int64_t whole_ = 0;
};

}  // namespace penstock
