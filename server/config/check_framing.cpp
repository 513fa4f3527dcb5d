#include <array>

#include "server/config/checks.h"
#include "server/config/keys.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

/// A key that means something with one framing only.
struct Part {
  std::string_view key;
  std::string_view framing;
  std::string_view example;  ///< where the framing cannot do without it
};
constexpr std::array<Part, 6> kParts = {{
    {"delimiter", "delimiter", R"(delimiter = '\r\n')"},
    {"length.bytes", "length_prefixed", {}},
    {"length.endian", "length_prefixed", {}},
    {"length.offset", "length_prefixed", {}},
    {"length.includes_header", "length_prefixed", {}},
    {"frame_bytes", "fixed", "frame_bytes = 512"},
}};

void check_part(const Part& part, std::string_view framing, const TableSource& source,
                Problems& problems) {
  const std::string setting = "framing = " + in_quotes(part.framing);
  if (framing != part.framing)
    return source.error_if_given(problems, part.key, "only " + setting + " has it");
  if (!source.has(part.key) && !part.example.empty())
    source.error(problems, source.place_of("framing"), part.key,
                 "missing, " + setting + " needs it, such as " + std::string(part.example));
}

void check_frame_bytes(const Listener& listener, const TableSource& source, Problems& problems) {
  if (!source.sound("frame_bytes") || !source.sound("max_frame_bytes")) return;
  if (listener.frames.frame_bytes <= listener.frames.max_frame_bytes) return;
  source.error(problems, source.place_of("frame_bytes"), "frame_bytes",
               std::to_string(listener.frames.frame_bytes) + " is more than max_frame_bytes, " +
                   std::to_string(listener.frames.max_frame_bytes));
}

}  // namespace

void check_framing_parts(std::string_view framing, const TableSource& source, Problems& problems) {
  for (const Part& part : kParts) check_part(part, framing, source, problems);
}

void check_framing(Draft& draft) {
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    const Listener& listener = draft.config.listeners[i];
    const TableSource& source = draft.listeners[i];
    if (!source.sound("framing")) continue;
    check_framing_parts(to_string(listener.frames.framing), source, draft.problems);
    check_frame_bytes(listener, source, draft.problems);
  }
}

}  // namespace penstock::config
