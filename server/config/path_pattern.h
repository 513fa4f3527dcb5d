#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/result.h"

namespace penstock::config {

/// A piece of a template.
struct PathPart {
  enum class Kind : std::uint8_t { kLiteral, kTime, kListener, kPeer, kUrl, kScheme, kField };
  Kind kind = Kind::kLiteral;
  std::string
      text;  ///< the literal, the conversion as strftime takes it (`%Y`, `%-d`), or the field's name

  friend bool operator==(const PathPart&, const PathPart&) = default;
};

/// Takes the path of a file sink apart: `{listener}` `{peer}` `{url}` `{scheme}`, the conversions of strftime without
/// widths and flags other than `-`; `{{`, `}}` and `%%` are the characters themselves. Errors say what is wrong and
/// what would be right.
Result<std::vector<PathPart>> parse_path(std::string_view path);

/// The same for what is no path, such as a topic: besides, `{field:NAME}` is an event's field, and any text may end in a
/// slash.
Result<std::vector<PathPart>> parse_record_template(std::string_view text);

}  // namespace penstock::config
