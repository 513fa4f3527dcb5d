#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "server/config/problem.h"
#include "server/config/rule.h"
#include "server/config/toml_reader.h"

namespace penstock::config {

/// What the file says for one key.
struct Given {
  Place key;
  Place value;
  std::vector<Item> items;  ///< texts with their places; empty for other values
  bool valid =
      false;  ///< false: a problem is told, the field has its default or a list its good items
};

/// Where a table and its keys stand in the file, for the checks that come after reading.
struct TableSource {
  std::string title;  ///< how messages name it: `server`, `listener "syslog"`, `sink 2`
  Place place;        ///< line 0 where the file has no such table
  std::map<std::string, Given, std::less<>> keys;

  bool has(std::string_view key) const { return keys.find(key) != keys.end(); }
  /// True when the key is absent or its value was understood: the field may be judged.
  bool sound(std::string_view key) const;
  /// Of the value, else of the table.
  Place place_of(std::string_view key) const;
  /// The item at `index` of a list key.
  const Item& item(std::string_view key, std::size_t index) const;

  void error(Problems& problems, Place at, std::string_view key, const std::string& text) const;
  void warn(Problems& problems, Place at, std::string_view key, const std::string& text) const;
  /// The same at the key, where the file has it.
  void error_if_given(Problems& problems, std::string_view key, const std::string& text) const;
  void warn_if_given(Problems& problems, std::string_view key, const std::string& text) const;
  /// A key that means something only beside another one.
  void error_if_alone(Problems& problems, std::string_view key, std::string_view other) const;
};

/// A config between reading and checking; `listeners[i]` describes `config.listeners[i]`.
struct Draft {
  Config config;
  TableSource server;
  TableSource quarantine;
  TableSource admin;
  std::vector<TableSource> listeners;
  std::vector<TableSource> sinks;
  bool malformed =
      false;  ///< a listener or sink table was not understood: that there is none is no second problem
  Problems problems;
};

/// First step: TOML to structs, key by key.
void read_tables(const Node& root, Draft& draft);

}  // namespace penstock::config
