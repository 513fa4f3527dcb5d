#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch.h"
#include "protocols/core/result.h"
#include "server/config/config.h"
#include "server/config/path_pattern.h"

namespace penstock {

/// A text that a sink gives its records, such as a topic or a key: config::parse_record_template has the grammar. Values
/// go in as they are, byte for byte. One thread.
class RecordTemplate {
 public:
  static Result<RecordTemplate> parse(std::string_view text, config::TimeZone zone);
  /// Of a text that the configuration's checks have seen.
  static RecordTemplate checked(std::string_view text, config::TimeZone zone);

  bool empty() const noexcept { return parts_.empty(); }
  /// Looks at the record itself; else all of a segment have the same text.
  bool by_record() const noexcept { return by_record_; }

  /// Makes what was appended at `from` fit in.
  using Edit = void (*)(std::string& text, std::size_t from);

  /// Appends the text of frame `frame` of `segment`. A field that the event does not have, or that is a map or an array,
  /// is nothing. `edit` is called with each value, not with what stands between them.
  void append(const Batch& batch, const Segment& segment, std::size_t frame, std::string& out,
              Edit edit = nullptr) const;

 private:
  RecordTemplate(std::vector<config::PathPart> parts, config::TimeZone zone);
  void append_part(const config::PathPart& part, const Batch& batch, const Segment& segment,
                   std::size_t frame, std::string& out) const;

  std::vector<config::PathPart> parts_;
  config::TimeZone zone_;
  bool by_record_;
};

/// Appends a field's value as text: texts as they are, numbers in decimal, times in RFC 3339. By its name on the top
/// level, else among what the sender names itself: in `fields`, then in `tags`.
void append_field(const Event& event, std::string_view name, std::string& out);

}  // namespace penstock
