#pragma once

#include <cstddef>
#include <string_view>

namespace penstock {

/// Any bytes as the inside of a JSON string (RFC 8259 section 7), without its quotes. `"`, `\` and the controls below
/// U+0020 are escaped, \b \t \n \f \r in their short forms; everything else stands as it is. Where the bytes are no
/// UTF-8, one U+FFFD stands for each part that is none (see invalid_utf8_length). Pure; any thread.
///
/// Own code and not RapidJSON's Writer: on a record of 200 bytes that takes 110 to 660 ns, by what is in it, this 15 to 115.

/// Room behind the text that write_json_text may overwrite as well.
inline constexpr std::size_t kJsonTextSlack = 16;

/// No text becomes longer than this: all of it \u00XX.
constexpr std::size_t most_json_text_bytes(std::size_t bytes) noexcept { return bytes * 6; }

struct JsonTextSize {
  std::size_t bytes = 0;  ///< what write_json_text writes, less the slack
  bool utf8 = true;       ///< nothing had to be replaced
};

/// Measures without writing: exactly what write_json_text gives.
JsonTextSize json_text_size(std::string_view text) noexcept;

struct JsonTextEnd {
  char* end = nullptr;
  bool utf8 = true;  ///< nothing had to be replaced
};

/// Writes `text` at `out`, where there is room for json_text_size(text).bytes + kJsonTextSlack.
JsonTextEnd write_json_text(std::string_view text, char* out) noexcept;

}  // namespace penstock
