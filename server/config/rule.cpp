#include "server/config/rule.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "server/config/expand.h"
#include "server/config/suggest.h"
#include "server/config/text.h"
#include "server/config/url_text.h"
#include "server/config/value_parsers.h"

namespace penstock::config {
namespace {

using Kind = Rule::Kind;

std::string range(const Rule& rule) {
  return rule.min == rule.max ? std::to_string(rule.min)
                              : std::to_string(rule.min) + " to " + std::to_string(rule.max);
}

std::string describe_count(const Rule& rule) {
  return rule.zero.empty() ? range(rule) : "0 (" + std::string(rule.zero) + ") or " + range(rule);
}

std::string describe_quantity(const Rule& rule, std::string_view noun, const std::string& zero) {
  const bool size = rule.kind == Kind::kSize;
  const auto text = [&](std::int64_t n) {
    return size ? size_text(static_cast<std::uint64_t>(n))
                : duration_text(std::chrono::milliseconds(n));
  };
  std::string out =
      rule.zero.empty() ? "" : in_quotes(zero) + " (" + std::string(rule.zero) + ") or ";
  out +=
      std::string(noun) + " from " + in_quotes(text(rule.min)) + " to " + in_quotes(text(rule.max));
  return out + ", such as " + in_quotes(rule.example);
}

std::vector<std::string> choices_of(const Rule& rule) {
  return {rule.choices.begin(), rule.choices.end()};
}

std::string list_of(const std::vector<std::string>& numbers) {
  std::string out;
  for (std::size_t i = 0; i < numbers.size(); ++i)
    out += (i == 0 ? "" : i + 1 == numbers.size() ? " or " : ", ") + numbers[i];
  return out;
}

/// As it may be written: `99.9`.
std::string number_text(double number) {
  std::array<char, 32> digits{};
  char* const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

/// Reads one value; the parts share what is needed to say what is wrong.
class Reader {
 public:
  Reader(const Rule& rule, Problems& problems) : rule_(rule), problems_(problems) {}

  std::optional<Value> read(const Node& node) {
    switch (rule_.kind) {
      case Kind::kName:
      case Kind::kDelimiter:
      case Kind::kText: return one_text(node);
      case Kind::kUrls: return node.type == Node::Type::kString ? one_text(node) : texts(node);
      case Kind::kList: return texts(node);
      case Kind::kPercents: return percents(node);
      case Kind::kOptions: return options(node);
      default: return number(node);
    }
  }

 private:
  std::nullopt_t wrong(Place place, const std::string& shown, const std::string& hint = {}) {
    problems_.push_back({place, "expected " + describe(rule_) + ", got " + shown + hint});
    return std::nullopt;
  }
  std::nullopt_t wrong(const Node& node, const std::string& hint = {}) {
    return wrong(node.place, shown(node), hint);
  }

  std::optional<Item> item(const Node& node) {
    if (node.type != Node::Type::kString) return wrong(node);
    if (node.text.empty()) return wrong(node.place, "an empty string");
    auto text = expand(node.text);
    if (!text) {
      problems_.push_back({node.place, text.error().message});
      return {};
    }
    if (text->empty()) return wrong(node.place, shown(node) + ", which expands to nothing");
    if (rule_.kind == Kind::kDelimiter) return delimiter(node, *text);
    if (text->find('\0') != std::string::npos) return wrong(node.place, "a text with a NUL byte");
    if (rule_.kind == Kind::kName && !is_name(*text)) return wrong(node);
    return Item{node.place, std::move(*text), shown(node), has_expansion(node.text)};
  }

  std::optional<Item> delimiter(const Node& node, const std::string& text) {
    auto bytes = parse_delimiter(text);
    if (!bytes) return wrong(node);
    return Item{node.place, std::move(*bytes), shown(node), has_expansion(node.text)};
  }

  std::optional<Value> one_text(const Node& node) {
    auto text = item(node);
    if (!text) return {};
    return Value{0, {std::move(*text)}};
  }

  std::optional<Value> texts(const Node& node) {
    if (node.type != Node::Type::kList) return wrong(node);
    if (node.items.empty() && rule_.kind == Kind::kUrls) return wrong(node.place, "an empty list");
    Value value;
    for (const auto& each : node.items) {
      auto text = item(each);
      if (text && is_new(*text, value)) {
        value.items.push_back(std::move(*text));
      } else {
        value.whole = false;
      }
    }
    return value;
  }

  std::optional<Value> percents(const Node& node) {
    constexpr std::size_t kMost = 32;
    if (node.type != Node::Type::kList) return wrong(node);
    if (node.items.size() > kMost) return wrong(node.place, "more than 32 of them");
    Value value;
    for (const Node& each : node.items) {
      const bool whole = each.type == Node::Type::kInteger;
      const double number = whole ? static_cast<double>(each.integer) : each.real;
      if (!(whole || each.type == Node::Type::kFloat) || !(number > 0 && number < 100))
        return wrong(each);
      Item item{each.place, number_text(number), number_text(number), false};
      if (!is_new(item, value)) return {};
      value.items.push_back(std::move(item));
      value.reals.push_back(number);
    }
    return value;
  }

  std::optional<Value> options(const Node& node) {
    if (node.type != Node::Type::kTable) return wrong(node);
    Value value;
    add_options(node, {}, value);
    return value;
  }

  void add_options(const Node& table, const std::string& prefix, Value& value) {
    for (const Entry& entry : table.entries) {
      const std::string name = prefix + entry.key;
      if (entry.value.type == Node::Type::kTable) {
        add_options(entry.value, name + '.', value);
      } else if (auto read = option(entry.value, name)) {
        read->name = name;
        read->name_place = entry.place;
        value.items.push_back(std::move(*read));
      } else {
        value.whole = false;
      }
    }
  }

  std::optional<Item> option(const Node& node, const std::string& name) {
    static constexpr Rule kOption{Kind::kText, 0, 0, {}, "a text, a whole number, true or false"};
    if (node.type == Node::Type::kInteger || node.type == Node::Type::kFlag)
      return Item{node.place, shown(node), shown(node), false};
    Problems wrong;
    auto read = Reader(kOption, wrong).item(node);
    for (Problem& problem : wrong)
      problems_.push_back({problem.place, in_quotes(name) + ": " + problem.text});
    return read;
  }

  bool is_new(const Item& item, const Value& value) {
    if (rule_.kind == Kind::kUrls && asks_any_port(item.text)) return true;
    const auto same = [&](const Item& other) { return other.text == item.text; };
    if (std::none_of(value.items.begin(), value.items.end(), same)) return true;
    problems_.push_back({item.place, item.shown + " is listed twice"});
    return false;
  }

  std::optional<Value> number(const Node& node) {
    if (node.type != Node::Type::kString) return in_range(from_literal(node), node);
    auto text = item(node);
    if (!text) return {};
    if (rule_.kind == Kind::kAccount) return Value{0, {std::move(*text)}};
    return in_range(from_text(text->text, has_expansion(node.text)), node);
  }

  // A TOML value that is no string.
  std::optional<std::int64_t> from_literal(const Node& node) const {
    if (node.type == Node::Type::kFlag && rule_.kind == Kind::kFlag) return node.flag;
    if (node.type != Node::Type::kInteger) return {};
    switch (rule_.kind) {
      case Kind::kCount:
      case Kind::kBytes:
      case Kind::kOneOf:
      case Kind::kAccount: return node.integer;
      case Kind::kMode: return node.octal ? std::optional(node.integer) : std::nullopt;
      case Kind::kSize:
      case Kind::kDuration:
      case Kind::kSeconds: return node.integer == 0 ? std::optional(node.integer) : std::nullopt;
      default: return {};
    }
  }

  // A string. What came out of an expansion can be nothing else, so there plain numbers and flags count too.
  std::optional<std::int64_t> from_text(std::string_view text, bool expanded) const {
    switch (rule_.kind) {
      case Kind::kChoice: return index_of(text);
      case Kind::kSize: return parse_size(text);
      case Kind::kMode: return parse_mode(text);
      case Kind::kZone: return parse_zone(text);
      case Kind::kDuration:
      case Kind::kSeconds: return milliseconds(text);
      case Kind::kBytes: {
        const auto bytes = parse_size(text);
        return bytes || !expanded ? bytes : parse_number(text);
      }
      case Kind::kOneOf:
      case Kind::kCount: return expanded ? parse_number(text) : std::nullopt;
      case Kind::kFlag:
        if (!expanded || (text != "true" && text != "false")) return {};
        return text == "true";
      default: return {};
    }
  }

  static std::optional<std::int64_t> milliseconds(std::string_view text) {
    const auto duration = parse_duration(text);
    return duration ? std::optional<std::int64_t>(duration->count()) : std::nullopt;
  }

  std::optional<std::int64_t> index_of(std::string_view text) const {
    const auto at = std::find(rule_.choices.begin(), rule_.choices.end(), text);
    if (at == rule_.choices.end()) return {};
    return at - rule_.choices.begin();
  }

  std::optional<Value> in_range(std::optional<std::int64_t> number, const Node& node) {
    if (!number) return wrong(node, hint(node));
    if (rule_.kind == Kind::kFlag || rule_.kind == Kind::kChoice) return Value{*number, {}};
    if (rule_.kind == Kind::kOneOf)
      return index_of(std::to_string(*number)) ? std::optional(Value{*number, {}}) : wrong(node);
    const bool zero = *number == 0 && !rule_.zero.empty();
    const bool whole = rule_.kind != Kind::kSeconds || *number % 1000 == 0;
    if (!zero && (*number < rule_.min || *number > rule_.max || !whole)) return wrong(node);
    if (rule_.kind == Kind::kAccount)
      return Value{*number, {{node.place, std::to_string(*number), shown(node), false}}};
    return Value{*number, {}};
  }

  std::string hint(const Node& node) const {
    if (node.type == Node::Type::kInteger) {
      const bool quantity = rule_.kind == Kind::kSize || rule_.kind == Kind::kDuration ||
                            rule_.kind == Kind::kSeconds;
      if (quantity) return " without a unit";
      return rule_.kind == Kind::kMode ? ", which is not octal" : "";
    }
    if (rule_.kind != Kind::kChoice || node.type != Node::Type::kString || has_expansion(node.text))
      return {};
    return did_you_mean(node.text, choices_of(rule_));
  }

  const Rule& rule_;
  Problems& problems_;
};

}  // namespace

std::vector<std::string> Value::texts() const {
  std::vector<std::string> out;
  for (const auto& item : items) out.push_back(item.text);
  return out;
}

std::string describe(const Rule& rule) {
  switch (rule.kind) {
    case Kind::kFlag: return "true or false";
    case Kind::kCount: return describe_count(rule);
    case Kind::kSize: return describe_quantity(rule, "a size", "0");
    case Kind::kBytes:
      return describe_count(rule) + " (or a size such as " + in_quotes(rule.example) + ")";
    case Kind::kDuration: return describe_quantity(rule, "a duration", "0s");
    case Kind::kSeconds: return describe_quantity(rule, "whole seconds", "0s");
    case Kind::kChoice: return quoted_list(choices_of(rule), "or");
    case Kind::kOneOf: return list_of(choices_of(rule));
    case Kind::kDelimiter:
      return "1 to 64 bytes, in which \\xNN, \\n, \\r, \\t, \\0 and \\\\ stand for one each";
    case Kind::kName: return "1 to 64 of the characters A-Z a-z 0-9 _ -";
    case Kind::kZone: return "an offset from UTC such as \"+02:00\", \"utc\", or \"local\"";
    case Kind::kMode: return "permission bits such as \"0660\" or 0o660, at most 0777";
    case Kind::kText:
    case Kind::kList:
    case Kind::kPercents:
    case Kind::kUrls:
    case Kind::kOptions:
    case Kind::kAccount: break;
  }
  return std::string(rule.example);
}

std::optional<Value> read_value(const Rule& rule, const Node& node, Problems& problems) {
  return Reader(rule, problems).read(node);
}

bool is_name(std::string_view text) {
  const auto allowed = [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), allowed);
}

}  // namespace penstock::config
