#pragma once

#include <simdjson.h>

#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>

#include "protocols/core/field_writer.h"

/// The public corpus of the line protocol, which is no part of this repository: PENSTOCK_VECTORS, or shared/vectors beside
/// the repository, names the folder that holds it.
namespace penstock::test {

inline std::filesystem::path corpus_file() {
  const char* given = std::getenv("PENSTOCK_VECTORS");
  const std::filesystem::path folder =
      given != nullptr ? std::filesystem::path(given)
                       : std::filesystem::path(PENSTOCK_SOURCE_DIR) / "../shared/vectors";
  return folder / "influx-line-protocol/corpus.json";
}

/// RFC 4648 base64, as the corpus has it where a text is no UTF-8.
inline std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  unsigned bits = 0, held = 0;
  for (const char c : text.substr(0, text.find('='))) {
    held = held << 6 | static_cast<unsigned>(kDigits.find(c));
    if ((bits += 6) < 8) continue;
    bits -= 8;
    out += static_cast<char>(held >> bits & 0xff);
  }
  return out;
}

/// A text of the corpus.
inline std::string text_of(simdjson::dom::element value) {
  std::string_view text;
  if (value["binary"].get(text) == simdjson::SUCCESS) return from_base64(text);
  return std::string(value.get_string().value());
}

/// A field of a point as the corpus gives it: `{"float":1}`.
inline void write_value(FieldWriter& fields, std::string_view name, simdjson::dom::element value) {
  for (const auto [type, content] : value.get_object()) {
    if (type == "int") fields.integer(name, content.get_int64());
    if (type == "uint") fields.unsigned_integer(name, content.get_uint64());
    if (type == "bool") fields.boolean(name, content.get_bool());
    if (type == "float") fields.real(name, content.get_double());
    if (type == "string") fields.string(name, text_of(content));
  }
}

}  // namespace penstock::test
