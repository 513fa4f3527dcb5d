#include "server/config/text.h"

#include <array>
#include <cstdio>

namespace penstock::config {
namespace {

constexpr std::size_t kShownBytes = 80;

std::string escape(unsigned code_point) {
  std::array<char, 8> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "\\u%04x", code_point);
  return buffer.data();
}

// Where to cut so that no UTF-8 sequence is split.
std::size_t cut(std::string_view text, std::size_t size) {
  while (size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return size;
}

// The control character at the front of `text`, escaped, and how many bytes it takes; 0: none is there.
std::size_t append_control(std::string& out, std::string_view text) {
  const auto byte = static_cast<unsigned char>(text[0]);
  if (byte == '\n' || byte == '\t') {
    out += byte == '\n' ? "\\n" : "\\t";
    return 1;
  }
  if (byte < 0x20 || byte == 0x7F) {
    out += escape(byte);
    return 1;
  }
  // U+0080 to U+009F: control characters to some terminals
  if (byte != 0xC2 || text.size() < 2 || static_cast<unsigned char>(text[1]) >= 0xA0) return 0;
  out += escape(static_cast<unsigned char>(text[1]));
  return 2;
}

// `escaped` get a backslash.
std::string without_controls(std::string_view text, std::string_view escaped) {
  std::string out;
  while (!text.empty()) {
    std::size_t taken = append_control(out, text);
    if (taken == 0) {
      if (escaped.find(text[0]) != std::string_view::npos) out += '\\';
      out += text[0];
      taken = 1;
    }
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text, bool quotes, std::size_t max_bytes) {
  const bool whole = text.size() <= max_bytes;
  if (!whole) text = text.substr(0, cut(text, max_bytes));
  const std::string out = without_controls(text, quotes ? "\"\\" : "\\");
  return whole ? out : out + "...";
}

std::string without_controls(std::string_view text) { return without_controls(text, {}); }

std::string in_quotes(std::string_view text) {
  return '"' + printable(text, true, kShownBytes) + '"';
}

std::string delimiter_text(std::string_view bytes) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string out;
  for (const char byte : bytes) {
    const auto value = static_cast<unsigned char>(byte);
    switch (byte) {
      case '\n': out += "\\n"; break;
      case '\r': out += "\\r"; break;
      case '\t': out += "\\t"; break;
      case '\\': out += "\\\\"; break;
      default:
        if (value >= 0x20 && value < 0x7f)
          out += byte;
        else
          (out += "\\x") += {kHex[value >> 4], kHex[value & 15]};
    }
  }
  return out;
}

std::string quoted_list(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) out += i + 1 == words.size() ? " " + std::string(last) + " " : ", ";
    out += in_quotes(words[i]);
  }
  return out;
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> units = {"B", "KiB", "MiB", "GiB", "TiB"};
  if (bytes == 0) return "0";
  std::size_t unit = 0;
  while (unit + 1 < units.size() && bytes % 1024 == 0) {
    bytes /= 1024;
    ++unit;
  }
  return std::to_string(bytes) + std::string(units[unit]);
}

std::string duration_text(std::chrono::milliseconds value) {
  const auto ms = value.count();
  if (ms == 0) return "0s";
  if (ms % 1000 != 0) return std::to_string(ms) + "ms";
  const auto s = ms / 1000;
  if (s % 86400 == 0) return std::to_string(s / 86400) + "d";
  if (s % 3600 == 0) return std::to_string(s / 3600) + "h";
  if (s % 60 == 0) return std::to_string(s / 60) + "m";
  return std::to_string(s) + "s";
}

}  // namespace penstock::config
