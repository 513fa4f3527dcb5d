#include "tests/conf/reference.h"

#include <algorithm>
#include <regex>

#include "server/config/keys.h"
#include "tests/conf/conf_file.h"

namespace penstock::test {
namespace {

using Kind = config::Rule::Kind;

constexpr const char* kNextLine = "  \n";  // two blanks, and the line is not joined with the next

std::string_view type_of(Kind kind) {
  switch (kind) {
    case Kind::kFlag: return "boolean";
    case Kind::kCount:
    case Kind::kOneOf: return "integer";
    case Kind::kSize: return "size";
    case Kind::kBytes: return "size or integer";
    case Kind::kDuration:
    case Kind::kSeconds: return "duration";
    case Kind::kMode: return "string or integer";
    case Kind::kList: return "list of strings";
    case Kind::kPercents: return "list of numbers";
    case Kind::kUrls: return "string or list of strings";
    case Kind::kOptions: return "table";
    case Kind::kAccount:
    case Kind::kChoice:
    case Kind::kDelimiter:
    case Kind::kName:
    case Kind::kText:
    case Kind::kZone: break;
  }
  return "string";
}

/// Text that Markdown would take as markup.
std::string escaped(const std::string& text) {
  return std::regex_replace(text, std::regex(R"([\\*<])"), R"(\$&)");
}

/// Comment lines as Markdown: those that are indented are a list of words with their explanations.
std::string prose(const std::vector<std::string>& lines) {
  static const std::regex kWord(R"(  (\S+) +(.*))");
  std::string out;
  bool list = false;
  for (const auto& line : lines) {
    std::smatch match;
    const bool indented = line.starts_with("  ");
    if (indented != list) out += '\n';
    if (std::regex_match(line, match, kWord))
      out += "- `" + match[1].str() + "`: " + escaped(match[2]) + '\n';
    else
      out += (indented ? "  " + escaped(line.substr(line.find_first_not_of(' '))) : escaped(line)) +
             '\n';
    list = indented;
  }
  return out;
}

/// What stands behind `word` in the comment, up to the end of its sentence.
std::string said(const std::string& comment, const std::string& word) {
  std::smatch match;
  const std::regex sentence("(?:^|\\. )" + word + R"(:? (.+?)\.(?: Example:)?$)");
  return std::regex_search(comment, match, sentence) ? match[1].str() : std::string();
}

/// The line of the documented file; for a key whose default is an empty list with a value that it may have.
std::string example_of(const config::KnownKey& known, const DocumentedKey& key) {
  static const std::regex kSuchAs(R"(such as (\[.*\])$)");
  std::smatch match;
  const auto values = config::describe(known.rule);
  if (key.line.ends_with(" = []") && std::regex_search(values, match, kSuchAs))
    return key.key + " = " + match[1].str();
  return key.line;
}

std::string entry_of(const config::KnownKey& known, const DocumentedKey& key) {
  std::string out = "### " + key.key + "\n\n" + prose(key.meaning);
  if (!key.meaning.empty()) out += '\n';
  const auto fallback = said(key.comment, "Default");
  const auto required = said(key.comment, "Required");
  out += "Type: " + std::string(type_of(known.rule.kind)) + kNextLine;
  out += "Values: " + escaped(config::describe(known.rule)) + kNextLine;
  out += fallback.empty() ? "Required" + (required.empty() ? "" : ' ' + required)
                          : "Default: " + escaped(fallback);
  return out + std::string(kNextLine) + "Example: `" + example_of(known, key) + "`\n\n";
}

}  // namespace

std::string reference_of(std::string_view table, std::string_view documented_file) {
  std::string out;
  const auto rows = config::known_keys();
  for (const auto& key : documented_keys(documented_file)) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const auto& known) {
      return known.table == table && key.table == table && known.name == key.key;
    });
    if (row != rows.end() && !key.comment.empty()) out += entry_of(*row, key);
  }
  return out;
}

std::string with_fresh_reference(std::string_view page, std::string_view documented_file) {
  static const std::regex kBegin(R"(<!-- keys of (\w+)[^\n]*-->\n)");
  std::string out;
  const std::string text(page);
  for (auto rest = text.begin();;) {
    std::smatch begin;
    // The entries between begin and end are found by hand: std::regex recurses over each of their bytes.
    const bool found = std::regex_search(rest, text.end(), begin, kBegin);
    const std::size_t entries =
        found ? static_cast<std::size_t>(begin[0].second - text.begin()) : 0;
    const std::size_t end = found ? text.find("<!-- end -->", entries) : std::string::npos;
    if (end == std::string::npos) return out.append(rest, text.end());
    out.append(rest, begin[0].second);
    out += '\n' + reference_of(begin[1].str(), documented_file);
    rest = text.begin() + static_cast<std::ptrdiff_t>(end);
  }
}

}  // namespace penstock::test
