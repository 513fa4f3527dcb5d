#include "server/sinks/path_template.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "protocols/core/check.h"
#include "server/files/file_ops.h"
#include "server/sinks/calendar.h"

namespace penstock {
namespace {

using Kind = config::PathPart::Kind;

constexpr std::size_t kMaxValueBytes = 128;
constexpr std::size_t kMaxNameBytes = 255;  // NAME_MAX of every file system in use

bool stays(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == ':' || c == '-';
}

// FNV-1a, 64 bits: names must differ, nobody's security rests on it.
std::string hash_text(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  std::array<char, 18> out{};
  std::snprintf(out.data(), out.size(), "-%016llx", static_cast<unsigned long long>(hash));
  return out.data();
}

// `text` in at most `max` bytes; what is cut is replaced by a hash of the whole.
std::string shortened(std::string text, std::size_t max) {
  if (text.size() <= max) return text;
  const std::string hash = hash_text(text);
  std::size_t keep = max - hash.size();
  for (std::size_t back = 1; back <= 2; ++back) {  // not in the middle of a %XX
    if (text[keep - back] == '%') keep -= back;
  }
  return text.substr(0, keep) + hash;
}

std::string with_short_names(const std::string& path, std::size_t max) {
  std::string out;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    out += shortened(path.substr(at, slash - at), max);
    if (slash < path.size()) out += '/';
    at = slash + 1;
  }
  return out;
}

bool has_long_name(std::string_view path, std::size_t max) noexcept {
  std::size_t length = 0;
  for (const char c : path) {
    length = c == '/' ? 0 : length + 1;
    if (length > max) return true;
  }
  return false;
}

std::string_view scheme_of(std::string_view url) noexcept { return url.substr(0, url.find("://")); }

// Longest literal directory in front of everything that varies.
std::string base_of(const config::PathPart& first) {
  return first.kind == Kind::kLiteral ? parent_directory(first.text) : ".";
}

}  // namespace

std::string path_value(std::string_view value) {
  if (value.empty()) return "_";
  std::string out;
  for (const char c : value) {
    if (stays(c) && !(c == '.' && out.empty())) {
      out += c;
      continue;
    }
    std::array<char, 4> hex{};
    std::snprintf(hex.data(), hex.size(), "%%%02X",
                  static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += hex.data();
  }
  return shortened(std::move(out), kMaxValueBytes);
}

Result<PathTemplate> PathTemplate::parse(std::string_view text, config::TimeZone zone,
                                         std::size_t suffix_bytes) {
  if (text.empty()) return fail(0, "a path is missing");
  if (text.find('\0') != std::string_view::npos) return fail(0, "a path cannot hold a NUL byte");
  auto parts = config::parse_path(text);
  if (!parts) return tl::unexpected(parts.error());
  return PathTemplate(std::move(*parts), zone, kMaxNameBytes - suffix_bytes);
}

PathTemplate::PathTemplate(std::vector<config::PathPart> parts, config::TimeZone zone,
                           std::size_t max_name_bytes)
    : parts_(std::move(parts)),
      base_(base_of(parts_.front())),
      zone_(zone),
      max_name_bytes_(max_name_bytes) {
  for (const config::PathPart& part : parts_) {
    uses_time_ = uses_time_ || part.kind == Kind::kTime;
    uses_peer_ = uses_peer_ || part.kind == Kind::kPeer;
    uses_origin_ = uses_origin_ || part.kind == Kind::kListener || part.kind == Kind::kUrl ||
                   part.kind == Kind::kScheme;
  }
}

std::string PathTemplate::time_text(std::int64_t seconds) const {
  const std::tm calendar = calendar_of(seconds, zone_);
  std::string out;
  for (const config::PathPart& part : parts_) {
    if (part.kind != Kind::kTime) continue;
    append_time(out, part.text, seconds, calendar);
    out += '\0';
  }
  return out;
}

std::string PathTemplate::render(const Segment& segment, std::string_view time) const {
  std::string path;
  for (const config::PathPart& part : parts_) {
    switch (part.kind) {
      case Kind::kLiteral: path += part.text; break;
      case Kind::kListener: path += path_value(segment.origin->listener); break;
      case Kind::kUrl: path += path_value(segment.origin->url); break;
      case Kind::kScheme: path += path_value(scheme_of(segment.origin->url)); break;
      case Kind::kField: PENSTOCK_CHECK(false); break;  // parse_path gives none
      case Kind::kPeer: path += path_value(address_text(segment.peer)); break;
      case Kind::kTime: {
        const std::size_t end = time.find('\0');
        path += time.substr(0, end);
        time.remove_prefix(end + 1);
        break;
      }
    }
  }
  return has_long_name(path, max_name_bytes_) ? with_short_names(path, max_name_bytes_) : path;
}

}  // namespace penstock
