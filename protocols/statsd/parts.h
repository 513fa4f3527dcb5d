#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"

namespace penstock::statsd {

/// What may stand behind a metric's type, an event's text or a service check's status, `|` before each.
enum class Part : std::uint8_t {
  kRate,         ///< `@0.5`
  kTags,         ///< `#k:v,k`
  kContainer,    ///< `c:id`
  kTime,         ///< `T1700000000`
  kExternal,     ///< `e:data`
  kCardinality,  ///< `card:low`
  kDate,         ///< `d:1700000000`, of events and service checks, as all that follow
  kHost,         ///< `h:name`
  kKey,          ///< `k:aggregation key`
  kPriority,     ///< `p:low`
  kSource,       ///< `s:source type`
  kAlert,        ///< `t:error`
  kMessage,      ///< `m:text`
  kCount
};

/// The parts of one line: views into it.
class Parts {
 public:
  enum class Of : std::uint8_t { kMetric, kEvent, kServiceCheck };

  explicit Parts(Of of) noexcept : of_(of) {}

  /// All that is left of `in`, which stands at a `|` or at its end.
  Problem scan(Scanner& in) noexcept;

  bool has(Part part) const noexcept { return texts_[index(part)].data() != nullptr; }
  std::string_view text(Part part) const noexcept { return texts_[index(part)]; }

  /// There is one that no version of the protocol defines.
  bool has_extensions() const noexcept { return has_extensions_; }
  /// The sample rate, 1 where there is none.
  Problem read_rate(std::string_view line, double& rate) const noexcept;

  /// Tags, time, rate and what else every line may have. `line` is all of it.
  Problem write(std::string_view line, FieldWriter& fields) const;

 private:
  static constexpr std::size_t index(Part part) noexcept { return static_cast<std::size_t>(part); }
  bool known(std::string_view text, Part& part, std::size_t& prefix) const noexcept;
  Problem write_times(std::string_view line, FieldWriter& fields) const;
  void write_extensions(FieldWriter& fields) const;

  Of of_;
  std::array<std::string_view, static_cast<std::size_t>(Part::kCount)> texts_{};
  std::string_view behind_;  // all the parts
  bool has_extensions_ = false;
};

/// `value`, with a line's end wherever `\n` stands in it, two bytes.
void write_text(FieldWriter& fields, FieldName name, std::string_view value);

}  // namespace penstock::statsd
