#include "server/config/toml_reader.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdio>
#include <tuple>

#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMaxLineBytes = std::size_t{16} << 10;
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxDescriptionBytes = 200;

Place place_of(const toml::source_region& region) {
  return {region.begin.line, region.begin.column};
}

bool stands_before(const Entry& a, const Entry& b) {
  return std::tie(a.place.line, a.place.column) < std::tie(b.place.line, b.place.column);
}

Node convert(const toml::node& from, int depth);

void convert_children(const toml::node& from, Node& node, int depth) {
  if (depth == kMaxDepth) return;
  if (const auto* list = from.as_array()) {
    for (const auto& item : *list) node.items.push_back(convert(item, depth + 1));
  }
  if (const auto* table = from.as_table()) {
    for (const auto& [key, value] : *table) {
      node.entries.push_back(
          {std::string(key.str()), place_of(key.source()), convert(value, depth + 1)});
    }
    std::sort(node.entries.begin(), node.entries.end(),
              stands_before);  // toml++ keeps them by name
  }
}

Node convert(const toml::node& from, int depth) {
  Node node;
  node.place = place_of(from.source());
  node.end = {from.source().end.line, from.source().end.column};
  node.octal = false;
  switch (from.type()) {
    case toml::node_type::boolean:
      node.type = Node::Type::kFlag;
      node.flag = from.as_boolean()->get();
      break;
    case toml::node_type::integer:
      node.type = Node::Type::kInteger;
      node.integer = from.as_integer()->get();
      node.octal = (from.as_integer()->flags() & toml::value_flags::format_as_octal) !=
                   toml::value_flags::none;
      break;
    case toml::node_type::floating_point:
      node.type = Node::Type::kFloat;
      node.real = from.as_floating_point()->get();
      break;
    case toml::node_type::string:
      node.type = Node::Type::kString;
      node.text = from.as_string()->get();
      break;
    case toml::node_type::array: node.type = Node::Type::kList; break;
    case toml::node_type::table: node.type = Node::Type::kTable; break;
    default: node.type = Node::Type::kDate;
  }
  convert_children(from, node, depth);
  return node;
}

// toml++'s words, made shorter: "Error while parsing string: encountered end-of-file".
std::string in_plain_words(std::string_view description) {
  constexpr std::string_view prefix = "Error while parsing ", twice = "cannot redefine existing ";
  if (!description.starts_with(prefix))
    return "not valid TOML: " + printable(description, false, kMaxDescriptionBytes);
  description.remove_prefix(prefix.size());
  const auto colon = description.find(": ");
  if (colon == std::string_view::npos)
    return "not valid TOML: " + printable(description, false, kMaxDescriptionBytes);
  const auto where = description.substr(0, colon);
  const auto what = description.substr(colon + 2);
  std::string text = "not valid TOML: in " + std::string(where) + ": ";
  if (what.starts_with(twice)) {
    text += "given twice: " + printable(what.substr(twice.size()), false, kMaxDescriptionBytes);
  } else {
    text += printable(what, false, kMaxDescriptionBytes);
  }
  const bool bare = where.ends_with("integer") || where == "floating-point" || where == "boolean" ||
                    where == "value" || where.starts_with("date") || where == "time";
  return bare ? text + " (values with a unit and words need quotes, as in \"30s\")" : text;
}

std::optional<Problem> find_long_line(std::string_view text) {
  for (std::uint32_t line = 1; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > kMaxLineBytes)
      return Problem{{line, 1},
                     "line of " + std::to_string(end) + " bytes, expected at most 16384"};
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return {};
}

}  // namespace

tl::expected<Node, Problem> parse_toml(std::string_view text) {
  if (auto problem = find_long_line(text)) return tl::unexpected(*problem);
  try {
    return convert(toml::parse(text), 0);
  } catch (const toml::parse_error& error) {
    return tl::unexpected(Problem{place_of(error.source()), in_plain_words(error.description())});
  }
}

std::string shown(const Node& node) {
  switch (node.type) {
    case Node::Type::kFlag: return node.flag ? "true" : "false";
    case Node::Type::kInteger: return std::to_string(node.integer);
    case Node::Type::kString: return in_quotes(node.text);
    case Node::Type::kList: return "a list";
    case Node::Type::kTable: return "a table";
    case Node::Type::kDate: return "a date or time";
    case Node::Type::kFloat: break;
  }
  std::array<char, 32> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%g", node.real);
  const std::string text = buffer.data();
  return text.find_first_of(".ein") == std::string::npos ? text + ".0" : text;  // 1e3 is no integer
}

}  // namespace penstock::config
