#include "server/sinks/path_template.h"

#include <array>
#include <cstdio>

namespace penstock {
namespace {

constexpr std::size_t kMaxValueBytes = 128;
constexpr std::size_t kMaxNameBytes = 255;  // NAME_MAX of every file system in use

bool stays(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == ':' || c == '-';
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

std::string with_short_names(std::string path) {
  std::string out;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t slash = std::min(path.find('/', at), path.size());
    out += shortened(path.substr(at, slash - at), kMaxNameBytes);
    if (slash < path.size()) out += '/';
    at = slash + 1;
  }
  return out;
}

bool has_long_name(std::string_view path) noexcept {
  std::size_t length = 0;
  for (const char c : path) {
    length = c == '/' ? 0 : length + 1;
    if (length > kMaxNameBytes) return true;
  }
  return false;
}

std::string_view scheme_of(std::string_view url) noexcept { return url.substr(0, url.find("://")); }

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
    std::snprintf(hex.data(), hex.size(), "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    out += hex.data();
  }
  return shortened(std::move(out), kMaxValueBytes);
}

Result<PathTemplate> PathTemplate::parse(std::string_view text, config::TimeZone zone) {
  if (text.empty()) return fail(0, "a path is missing");
  if (text.find('\0') != std::string_view::npos) return fail(0, "a path cannot hold a NUL byte");
  if (text.back() == '/') return fail(0, "names a directory, expected a file name behind the last slash");
  PathTemplate result;
  result.zone_ = zone;
  for (std::size_t at = 0; at < text.size();) {
    const std::string_view rest = text.substr(at);
    if (rest.starts_with("{{") || rest.starts_with("}}") || rest.starts_with("%%")) {
      result.add_literal(rest.substr(0, 1));
      at += 2;
    } else if (rest.front() == '{') {
      const std::size_t close = rest.find('}');
      if (close == std::string_view::npos) return fail(0, "\"{\" without \"}\" (write {{ for the character itself)");
      if (auto added = result.add_placeholder(rest.substr(1, close - 1)); !added) return tl::unexpected(added.error());
      at += close + 1;
    } else if (rest.front() == '}') {
      return fail(0, "\"}\" without \"{\" (write }} for the character itself)");
    } else if (rest.front() == '%') {
      const auto length = result.add_conversion(rest);
      if (!length) return tl::unexpected(length.error());
      at += *length;
    } else {
      const std::size_t end = std::min(rest.find_first_of("{}%"), rest.size());
      result.add_literal(rest.substr(0, end));
      at += end;
    }
  }
  result.find_base();
  return result;
}

Result<void> PathTemplate::add_placeholder(std::string_view name) {
  if (name == "listener") {
    parts_.push_back({Kind::kListener, {}});
    uses_origin_ = true;
  } else if (name == "url") {
    parts_.push_back({Kind::kUrl, {}});
    uses_origin_ = true;
  } else if (name == "scheme") {
    parts_.push_back({Kind::kScheme, {}});
    uses_origin_ = true;
  } else if (name == "peer") {
    parts_.push_back({Kind::kPeer, {}});
    uses_peer_ = true;
  } else {
    return fail(0, "unknown placeholder {" + std::string(name) + "}, expected {listener}, {peer}, {url} or {scheme}");
  }
  return {};
}

// Flags and widths of strftime stay out: they would only make names that sort badly.
Result<std::size_t> PathTemplate::add_conversion(std::string_view rest) {
  constexpr std::string_view kConversions = "aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ";
  std::size_t at = 1;
  if (at < rest.size() && rest[at] == '-') ++at;  // %-d: without the leading zero
  if (at == rest.size() || kConversions.find(rest[at]) == std::string_view::npos) {
    return fail(0, "unknown conversion \"" + std::string(rest.substr(0, at + 1)) +
                       "\", expected one of strftime such as %Y %m %d %H (write %% for the character itself)");
  }
  parts_.push_back({Kind::kTime, std::string(rest.substr(0, at + 1))});
  uses_time_ = true;
  return at + 1;
}

void PathTemplate::add_literal(std::string_view text) {
  if (parts_.empty() || parts_.back().kind != Kind::kLiteral) parts_.push_back({Kind::kLiteral, {}});
  parts_.back().text += text;
}

void PathTemplate::find_base() {
  const std::string literal = parts_.front().kind == Kind::kLiteral ? parts_.front().text : std::string();
  const std::size_t slash = literal.rfind('/');
  base_ = slash == std::string::npos ? "." : slash == 0 ? "/" : literal.substr(0, slash);
}

std::string PathTemplate::time_text(std::int64_t seconds) const {
  const auto time = static_cast<std::time_t>(seconds);
  std::tm calendar{};
  if (zone_ == config::TimeZone::kLocal) {
    localtime_r(&time, &calendar);
  } else {
    gmtime_r(&time, &calendar);
    calendar.tm_zone = "UTC";  // glibc says GMT
  }
  std::string out;
  for (const Part& part : parts_) {
    if (part.kind != Kind::kTime) continue;
    if (part.text.back() == 's') {  // strftime's %s reads the calendar as local time
      out += std::to_string(seconds);
    } else {
      std::array<char, 128> text{};
      out.append(text.data(), std::strftime(text.data(), text.size(), part.text.c_str(), &calendar));
    }
    out += '\0';
  }
  return out;
}

std::string PathTemplate::render(const Segment& segment, std::string_view time) const {
  std::string path;
  for (const Part& part : parts_) {
    switch (part.kind) {
      case Kind::kLiteral: path += part.text; break;
      case Kind::kListener: path += path_value(segment.origin->listener); break;
      case Kind::kUrl: path += path_value(segment.origin->url); break;
      case Kind::kScheme: path += path_value(scheme_of(segment.origin->url)); break;
      case Kind::kPeer: path += path_value(address_text(segment.peer)); break;
      case Kind::kTime: {
        const std::size_t end = time.find('\0');
        path += time.substr(0, end);
        time.remove_prefix(end + 1);
        break;
      }
    }
  }
  return has_long_name(path) ? with_short_names(std::move(path)) : path;
}

}  // namespace penstock
