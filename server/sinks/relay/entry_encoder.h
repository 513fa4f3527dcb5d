#pragma once

#include "server/sinks/encoder.h"

namespace penstock {

/// Records as the entries of Forward protocol v1, `[time, record]` each, back to back:
///
/// - time: the event's timestamp, else that of receipt, as EventTime; whole seconds before 1970 and from 2106 on.
/// - record: of an event that came over Forward protocol (`tag`, `timestamp`, `metadata` and `fields`, and nothing else) its
///   fields, so that it goes on as it came, with the metadata beside the time where it has some, `[time, metadata]`; of any
///   other event all fields but the timestamp; of a record without event `message`.
///
/// Integers, doubles, truth values, maps and arrays keep their types, times become EventTimes. A text that is no UTF-8 is
/// bin. The sink's thread only.
class EntryEncoder final : public Encoder {
 public:
  bool keeps_lines() const noexcept override { return false; }
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const override;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const override;
};

}  // namespace penstock
