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
constexpr std::string_view kFieldPrefix = "{field:";
constexpr std::string_view kConversions = "aAbBcCdDeFgGhHIjklmMpPrRsSTuUVwWxXyYzZ";

enum class Fields : std::uint8_t { kNone, kAllowed };

void add_literal(std::vector<PathPart>& parts, std::string_view text) {
  if (parts.empty() || parts.back().kind != PatternKind::kLiteral) parts.push_back({});
  parts.back().text += text;
}

// Adds the placeholder at the front of `rest` and returns its length.
Result<std::size_t> add_placeholder(std::vector<PathPart>& parts, std::string_view rest,
                                    Fields fields) {
  const auto close = rest.find('}');
  if (close == std::string_view::npos)
    return fail(0, "\"{\" without \"}\" (write {{ for the character itself)");
  const auto text = rest.substr(0, close + 1);
  for (const auto& known : kPlaceholders) {
    if (known.text != text) continue;
    parts.push_back({known.kind, {}});
    return text.size();
  }
  const std::string expected = "{listener}, {peer}, {url}";
  if (fields == Fields::kNone)
    return fail(
        0, "unknown placeholder " + in_quotes(text) + ", expected " + expected + " or {scheme}");
  if (text.starts_with(kFieldPrefix) && text.size() > kFieldPrefix.size() + 1) {
    const auto name = text.substr(kFieldPrefix.size(), text.size() - kFieldPrefix.size() - 1);
    parts.push_back({PatternKind::kField, std::string(name)});
    return text.size();
  }
  return fail(0, "unknown placeholder " + in_quotes(text) + ", expected " + expected +
                     ", {scheme} or {field:NAME}");
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

Result<std::size_t> add_next(std::vector<PathPart>& parts, std::string_view rest, Fields fields) {
  if (is_doubled(rest)) {
    add_literal(parts, rest.substr(0, 1));
    return std::size_t{2};
  }
  if (rest.front() == '{') return add_placeholder(parts, rest, fields);
  if (rest.front() == '%') return add_conversion(parts, rest);
  if (rest.front() == '}')
    return fail(0, "\"}\" without \"{\" (write }} for the character itself)");
  const auto end = std::min(rest.find_first_of("{}%"), rest.size());
  add_literal(parts, rest.substr(0, end));
  return end;
}

Result<std::vector<PathPart>> parse(std::string_view text, Fields fields) {
  std::vector<PathPart> parts;
  while (!text.empty()) {
    const auto length = add_next(parts, text, fields);
    if (!length) return tl::unexpected(length.error());
    text.remove_prefix(*length);
  }
  return parts;
}

}  // namespace

Result<std::vector<PathPart>> parse_path(std::string_view path) {
  if (path.ends_with('/'))
    return fail(0, "names a directory, expected a file name behind the last slash");
  return parse(path, Fields::kNone);
}

Result<std::vector<PathPart>> parse_record_template(std::string_view text) {
  return parse(text, Fields::kAllowed);
}

}  // namespace penstock::config
