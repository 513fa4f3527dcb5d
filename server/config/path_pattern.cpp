#include "server/config/path_pattern.h"

#include <array>

#include "server/config/text.h"

namespace penstock::config {
namespace {

using PatternKind = PathPart::Kind;

struct Placeholder {
  std::string_view text;
  PatternKind kind;
};
constexpr std::array<Placeholder, 4> kPlaceholders = {{{"{listener}", PatternKind::kListener},
                                                       {"{peer}", PatternKind::kPeer},
                                                       {"{url}", PatternKind::kUrl},
                                                       {"{scheme}", PatternKind::kScheme}}};
constexpr std::string_view kConversions = "aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ";

void add_literal(std::vector<PathPart>& parts, std::string_view text) {
  if (parts.empty() || parts.back().kind != PatternKind::kLiteral) parts.push_back({});
  parts.back().text += text;
}

// Adds the placeholder at the front of `rest` and returns its length.
Result<std::size_t> add_placeholder(std::vector<PathPart>& parts, std::string_view rest) {
  const auto close = rest.find('}');
  if (close == std::string_view::npos)
    return fail(0, "\"{\" without \"}\" (write {{ for the character itself)");
  const auto text = rest.substr(0, close + 1);
  for (const auto& known : kPlaceholders) {
    if (known.text != text) continue;
    parts.push_back({known.kind, {}});
    return text.size();
  }
  return fail(0, "unknown placeholder " + in_quotes(text) +
                     ", expected {listener}, {peer}, {url} or {scheme}");
}

// Adds the conversion at the front of `rest` and returns its length.
Result<std::size_t> add_conversion(std::vector<PathPart>& parts, std::string_view rest) {
  const std::size_t at =
      rest.size() > 1 && rest[1] == '-' ? 2 : 1;  // %-d: without the leading zero
  const auto text = rest.substr(0, at + 1);
  if (at >= rest.size() || kConversions.find(rest[at]) == std::string_view::npos) {
    return fail(0, "unknown conversion " + in_quotes(text) +
                       ", expected one of strftime such as %Y, %m, %d, %H (write %% for the "
                       "character itself)");
  }
  parts.push_back({PatternKind::kTime, std::string(text)});
  return text.size();
}

bool is_doubled(std::string_view rest) {
  return rest.starts_with("{{") || rest.starts_with("}}") || rest.starts_with("%%");
}

Result<std::size_t> add_next(std::vector<PathPart>& parts, std::string_view rest) {
  if (is_doubled(rest)) {
    add_literal(parts, rest.substr(0, 1));
    return std::size_t{2};
  }
  if (rest.front() == '{') return add_placeholder(parts, rest);
  if (rest.front() == '%') return add_conversion(parts, rest);
  if (rest.front() == '}')
    return fail(0, "\"}\" without \"{\" (write }} for the character itself)");
  const auto end = std::min(rest.find_first_of("{}%"), rest.size());
  add_literal(parts, rest.substr(0, end));
  return end;
}

}  // namespace

Result<std::vector<PathPart>> parse_path(std::string_view path) {
  if (path.ends_with('/'))
    return fail(0, "names a directory, expected a file name behind the last slash");
  std::vector<PathPart> parts;
  while (!path.empty()) {
    const auto length = add_next(parts, path);
    if (!length) return tl::unexpected(length.error());
    path.remove_prefix(*length);
  }
  return parts;
}

}  // namespace penstock::config
