#include "server/commands/tap_output.h"

#include <algorithm>
#include <charconv>

namespace penstock {
namespace {

constexpr std::string_view kJsonNote = "{\"skipped\":";
constexpr std::string_view kTextNote = "# ";

/// The number behind `key`; 0 where there is none.
std::uint64_t number_behind(std::string_view line, std::string_view key) {
  const std::size_t at = line.find(key);
  if (at == std::string_view::npos) return 0;
  std::uint64_t number = 0;
  std::from_chars(line.data() + at + key.size(), line.data() + line.size(), number);
  return number;
}

std::string note_text(std::uint64_t skipped, std::uint64_t unseen) {
  std::string text;
  if (skipped != 0) text = std::to_string(skipped) + " records skipped (more than --rate)";
  if (unseen != 0)
    text += (text.empty() ? "" : ", ") + std::to_string(unseen) + " records not looked at";
  return text;
}

/// The code point of a character of two or three bytes (UTF-8) at the front; 0 where there is none.
unsigned wide_code(std::string_view text) {
  const auto byte = [&](std::size_t at) { return static_cast<unsigned char>(text[at]); };
  if (text.size() >= 2 && (byte(0) & 0xE0u) == 0xC0u)
    return (byte(0) & 0x1Fu) << 6 | (byte(1) & 0x3Fu);
  if (text.size() >= 3 && (byte(0) & 0xF0u) == 0xE0u)
    return (byte(0) & 0x0Fu) << 12 | (byte(1) & 0x3Fu) << 6 | (byte(2) & 0x3Fu);
  return 0;
}

bool obeyed_by_terminals(unsigned code) {
  return (code >= 0x80 && code <= 0x9F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069);
}

void append_unicode_escape(std::string& out, unsigned code) {
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4) out += kHex[code >> shift & 0xF];
}

/// `line` is JSON in UTF-8, so that such a character can only be within a string.
void append_for_terminal(std::string& out, std::string_view line) {
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (line[at] == '\x7f') {
      append_unicode_escape(out, 0x7F);
    } else if (const unsigned code = wide_code(line.substr(at)); obeyed_by_terminals(code)) {
      append_unicode_escape(out, code);
      at += code < 0x800 ? 1 : 2;
    } else {
      out += line[at];
    }
  }
}

}  // namespace

TapOutput::TapOutput(Options options, std::function<bool(std::string_view)> on_records,
                     std::function<void(const std::string&)> on_note)
    : options_(options), on_records_(std::move(on_records)), on_note_(std::move(on_note)) {}

bool TapOutput::take(std::string_view bytes) {
  bool more = true;
  for (std::size_t end = bytes.find('\n'); more && end != std::string_view::npos;
       end = bytes.find('\n')) {
    rest_ += bytes.substr(0, end + 1);
    bytes.remove_prefix(end + 1);
    more = take_line(rest_);
    rest_.clear();
  }
  rest_ += bytes;
  const bool written = records_.empty() || on_records_(records_);
  records_.clear();
  return more && written;
}

/// False: the last one.
bool TapOutput::take_line(std::string_view line) {
  if (line.starts_with(options_.json ? kJsonNote : kTextNote)) {
    const std::uint64_t skipped = number_behind(line, options_.json ? kJsonNote : kTextNote);
    const std::uint64_t unseen = number_behind(line, options_.json ? "\"unseen\":" : "skipped, ");
    if (skipped + unseen != 0) on_note_(note_text(skipped, unseen));
    return true;
  }
  if (options_.json && options_.to_terminal)
    append_for_terminal(records_, line);
  else
    records_ += line;
  return ++taken_ != options_.count;
}

}  // namespace penstock
