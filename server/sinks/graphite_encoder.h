#pragma once

#include "server/sinks/text_encoder.h"

namespace penstock {

/// `encoding = "graphite"`: metric points as Graphite's plaintext, one line a number, whole seconds:
///
///     cpu.usage;host=web1 0.5 1500000000
///
/// The path is the event's `name`, for `fields` with their names behind it; tags (of carbon 1.1) are its `tags`, and what
/// else says where it is from (`container`, ...; see is_tag()). A counter with a `sample_rate` is written as what it stands
/// for, value / rate; of other kinds the rate says nothing about the value. `kind` is not written, and with it what else
/// has no form there. Blanks and controls in a path become `_`, and so do `;` and `~` where a tag may not have them.
///
/// A point without a time has that of its receipt; the second -1 means "now" to carbon, a point of that is not encoded. What
/// is no finite number has no form there; a point without one is not encoded, nor is a change of a gauge (`delta`), which
/// would be read as its value, nor an event that is no point.
class GraphiteEncoder final : public TextEncoder {
 public:
  /// The front of a line may be a line of its own, with another number or time: no more behind a word that is neither.
  std::string_view torn_ending() const noexcept override { return " (torn)\n"; }
  std::string_view why_not(const Batch& batch, std::size_t frame) const override;

 private:
  std::size_t most_bytes(const Batch& batch, std::size_t frame) const override;
  void write(const Batch& batch, const Segment& segment, std::size_t frame,
             std::string& out) const override;
};

}  // namespace penstock
