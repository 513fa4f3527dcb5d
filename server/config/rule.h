#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/problem.h"
#include "server/config/toml_reader.h"

/// What one key may hold. A Rule is data: the loader reads values by it, messages and documentation describe it.
namespace penstock::config {

struct Rule {
  enum class Kind : std::uint8_t {
    kFlag,       ///< true, false
    kCount,      ///< an integer
    kSize,       ///< bytes with a unit
    kBytes,      ///< bytes, also as a plain integer (keys that end in _bytes)
    kDuration,   ///< milliseconds
    kSeconds,    ///< a duration of whole seconds
    kChoice,     ///< one of `choices`
    kOneOf,      ///< an integer, one of `choices`
    kName,       ///< 1 to 64 of A-Z a-z 0-9 _ -
    kText,       ///< any text, not empty
    kDelimiter,  ///< a text that parse_delimiter understands
    kList,       ///< texts, none empty, none twice; may be empty
    kPercents,   ///< numbers above 0 and below 100, none twice; may be empty
    kUrls,       ///< one text or several, none twice unless it asks for any port
    kZone,       ///< an offset from UTC, as seconds east of it
    kMode,       ///< permission bits
    kAccount,    ///< a name or a number
    kOptions,    ///< a table of texts, whole numbers and flags under any names
  };
  Kind kind = Kind::kText;
  std::int64_t min = 0;
  std::int64_t max = 0;
  std::string_view zero;     ///< what 0 means where it is allowed besides min to max
  std::string_view example;  ///< for kText, kList, kPercents, kOptions: the whole description
  std::span<const std::string_view> choices;
};

/// One text of a list, or the only one.
struct Item {
  Place place;
  std::string text;       ///< expanded
  std::string shown;      ///< as written, quoted: what messages print
  bool expanded = false;  ///< `text` may be a secret: no message may show it
  std::string name = {};  ///< of kOptions: with dots where it is written as tables
  Place name_place = {};
};

/// A value read by a rule. `number` holds flags (0, 1), counts, bytes, milliseconds, permission bits and the index of a
/// choice; `items` the texts, one for a single text.
struct Value {
  std::int64_t number = 0;
  std::vector<Item> items;
  std::vector<double> reals;  ///< of kPercents
  bool whole = true;  ///< false: a list with items that were refused; `items` are the others

  const std::string& text() const { return items.front().text; }
  std::vector<std::string> texts() const;
};

/// What is accepted, to stand behind `expected `: `1 to 16777216 (or a size such as "64KiB")`.
std::string describe(const Rule& rule);

/// Reads `node` by `rule`; adds one Problem a mistake, whose text has neither table nor key yet. A list gives its good
/// items, so that what is wrong with them is told as well.
std::optional<Value> read_value(const Rule& rule, const Node& node, Problems& problems);

/// True for 1 to 64 of A-Z a-z 0-9 _ -.
bool is_name(std::string_view text);

}  // namespace penstock::config
