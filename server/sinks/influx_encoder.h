#pragma once

#include "server/sinks/text_encoder.h"

namespace penstock {

/// `encoding = "influx"`: metric points as InfluxDB's line protocol, with nanoseconds:
///
///     cpu,host=web1,metric_type=gauge usage=0.5,cores=4i 1500000000000000000
///
/// The measurement is the event's `name`; tags are its `tags`, and `kind` as `metric_type` (Telegraf's name for it); fields
/// are its `fields`, or `value`, or `value_0`, `value_1`, ... where it has several. Whatever else it has goes along under its
/// name: texts that say where it is from as tags (`container`, `host`, ...; see is_tag()), numbers, truth values, other
/// texts, and lists as one text with commas, as fields (`sample_rate`, `delta`, `status`, `message`, ...), with `event_` in
/// front where the sender has a tag or a field of that name.
///
/// Texts, truth values, integers (`i`), unsigned ones (`u`) and doubles keep their type. Numbers of `value` are floats,
/// always: 1 and 0.9 are the same to those who send `value`, but a database takes only the type of a field's first point. A
/// point without a time has that of its receipt (distinct_time_ns: a database keeps one of two points of the same series and
/// time). NaN, infinities, nested values and what is empty have no form there and are left out; a point of which no value
/// is left is not encoded, nor is an event that is no point.
///
/// Line protocol has no escape for a backslash at the end of a measurement, a key or a tag's value, where it would escape
/// the delimiter behind it: as Telegraf does, those are cut off, and what is empty then is left out. Nor has it one for a `#`
/// that a measurement begins with, where the line would be a comment: such a point is not encoded. Of tags with the same
/// key the last one is written. A LF, a CR and a tab in such a name are written as `\n`, `\r` and `\t` (a backslash and a
/// letter), other control characters as `_`; in the text of a field they stand as they are, so a record may span lines.
/// Bytes that are no UTF-8 become U+FFFD.
class InfluxEncoder final : public TextEncoder {
 public:
  /// By the time that each record ends in: a LF alone may be one of a text.
  bool ends_whole(std::string_view end) const noexcept override;
  std::unique_ptr<RecordWalk> walk() const override;

 private:
  std::size_t most_bytes(const Batch& batch, std::size_t frame) const override;
  void write(const Batch& batch, const Segment& segment, std::size_t frame,
             std::string& out) const override;
};

}  // namespace penstock
