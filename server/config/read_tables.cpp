#include <algorithm>
#include <array>

#include "server/config/draft.h"
#include "server/config/keys.h"
#include "server/config/suggest.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

/// The tables of a file, as a user writes their headers.
struct TableForm {
  std::string_view name;
  std::string_view header;
  bool repeated;
};
constexpr std::array<TableForm, 5> kTables = {{{"server", "[server]", false},
                                               {"listener", "[[listener]]", true},
                                               {"sink", "[[sink]]", true},
                                               {"quarantine", "[quarantine]", false},
                                               {"admin", "[admin]", false}}};
constexpr std::string_view kAllHeaders =
    "[server], [[listener]], [[sink]], [quarantine] and [admin]";

const TableForm* find_table(std::string_view name) {
  const auto* at =
      std::find_if(kTables.begin(), kTables.end(), [&](const auto& t) { return t.name == name; });
  return at == kTables.end() ? nullptr : at;
}

// The header of the one table that has `key`; empty when none or several have it.
std::string_view home_of(std::string_view key) {
  std::string_view header;
  for (const auto& table : kTables) {
    const auto names = key_names(table.name);
    if (std::find(names.begin(), names.end(), key) == names.end()) continue;
    if (!header.empty()) return {};
    header = table.header;
  }
  return header;
}

bool is_table_of_keys(const std::vector<std::string>& names, const std::string& key) {
  const std::string prefix = key + '.';
  return std::any_of(names.begin(), names.end(),
                     [&](const auto& name) { return name.starts_with(prefix); });
}

std::string unknown_key(const TableForm& table, std::string_view key,
                        const std::vector<std::string>& names) {
  const std::string text = "unknown key " + in_quotes(key);
  if (auto hint = did_you_mean(key, names); !hint.empty()) return text + hint;
  if (const auto header = home_of(key); !header.empty())
    return text + ", it belongs to " + std::string(header);
  return text + ", the keys of " + std::string(table.header) + " are " + quoted_list(names, "and");
}

/// Reads one table of the file into one struct.
template <class T>
class TableReader {
 public:
  TableReader(const TableForm& form, std::span<const Key<T>> keys, T& into, TableSource& source,
              Problems& problems)
      : form_(form),
        names_(key_names(form.name)),
        keys_(keys),
        into_(into),
        source_(source),
        problems_(problems) {}

  void read(const Node& table, const std::string& prefix = {}) {
    for (const auto& entry : table.entries) read_entry(entry, prefix + entry.key);
  }

 private:
  void read_entry(const Entry& entry, const std::string& name) {
    if (is_table_of_keys(names_, name)) return read_sub_table(entry, name);
    const auto key =
        std::find_if(keys_.begin(), keys_.end(), [&](const auto& k) { return k.name == name; });
    if (key == keys_.end())
      return source_.error(problems_, entry.place, {}, unknown_key(form_, name, names_));
    read_key(*key, entry);
  }

  void read_sub_table(const Entry& entry, const std::string& name) {
    if (entry.value.type == Node::Type::kTable) return read(entry.value, name + '.');
    source_.error(problems_, entry.value.place, name,
                  "expected a table, such as " + name + " = { ... }, got " + shown(entry.value));
  }

  void read_key(const Key<T>& key, const Entry& entry) {
    Problems wrong;
    auto value = read_value(key.rule, entry.value, wrong);
    for (const auto& problem : wrong)
      source_.error(problems_, problem.place, key.name, problem.text);
    if (value) key.store(into_, *value);
    Given given{entry.place, entry.value.place, {}, value && value->whole};
    if (value) given.items = std::move(value->items);
    source_.keys[std::string(key.name)] = std::move(given);
  }

  const TableForm& form_;
  std::vector<std::string> names_;
  std::span<const Key<T>> keys_;
  T& into_;
  TableSource& source_;
  Problems& problems_;
};

// How messages name the `index`th table: by its name where it has one.
std::string title_of(const TableForm& form, const Node& table, std::size_t index) {
  for (const auto& entry : table.entries) {
    if (entry.key == "name" && entry.value.type == Node::Type::kString &&
        !entry.value.text.empty()) {
      return std::string(form.name) + ' ' + in_quotes(entry.value.text);
    }
  }
  return std::string(form.name) + ' ' + std::to_string(index + 1);
}

template <class T>
void read_single(const TableForm& form, std::span<const Key<T>> keys, const Node& table, T& into,
                 TableSource& source, Problems& problems) {
  source.place = table.place;
  TableReader<T>(form, keys, into, source, problems).read(table);
}

template <class T>
void read_repeated(const TableForm& form, std::span<const Key<T>> keys, const Node& list,
                   std::vector<T>& into, std::vector<TableSource>& sources, Problems& problems) {
  for (const auto& table : list.items) {
    T& one = into.emplace_back();
    TableSource& source = sources.emplace_back();
    source.title = title_of(form, table, into.size() - 1);
    one.place = table.place;
    read_single(form, keys, table, one, source, problems);
  }
}

bool has_form(const TableForm& form, const Node& value) {
  if (!form.repeated) return value.type == Node::Type::kTable;
  return value.type == Node::Type::kList &&
         std::all_of(value.items.begin(), value.items.end(),
                     [](const Node& item) { return item.type == Node::Type::kTable; });
}

void read_table(const TableForm& form, const Node& value, Draft& draft) {
  if (form.name == "server") {
    read_single(form, server_keys(), value, draft.config.server, draft.server, draft.problems);
  } else if (form.name == "listener") {
    read_repeated(form, listener_keys(), value, draft.config.listeners, draft.listeners,
                  draft.problems);
  } else if (form.name == "sink") {
    read_repeated(form, sink_keys(), value, draft.config.sinks, draft.sinks, draft.problems);
  } else if (form.name == "quarantine") {
    read_single(form, quarantine_keys(), value, draft.config.quarantine, draft.quarantine,
                draft.problems);
  } else {
    read_single(form, admin_keys(), value, draft.config.admin, draft.admin, draft.problems);
  }
}

std::string unknown_table(const Entry& entry) {
  const bool table =
      entry.value.type == Node::Type::kTable || entry.value.type == Node::Type::kList;
  const std::string text =
      std::string("unknown ") + (table ? "table " : "key ") + in_quotes(entry.key);
  const std::string near =
      closest(entry.key, {"server", "listener", "sink", "quarantine", "admin"});
  if (table && !near.empty())
    return text + ", did you mean " + std::string(find_table(near)->header) + "?";
  if (const auto header = home_of(entry.key); !header.empty()) {
    return text + " outside of any table, it belongs to " + std::string(header);
  }
  return text + ", a config file has the tables " + std::string(kAllHeaders);
}

}  // namespace

void read_tables(const Node& root, Draft& draft) {
  draft.server.title = "server";
  draft.quarantine.title = "quarantine";
  draft.admin.title = "admin";
  for (const auto& entry : root.entries) {
    const auto* form = find_table(entry.key);
    if (form == nullptr) {
      draft.problems.push_back({entry.place, unknown_table(entry)});
    } else if (!has_form(*form, entry.value)) {
      draft.malformed = true;
      draft.problems.push_back(
          {entry.place,
           entry.key + ": expected the table " + std::string(form->header) + ", got " +
               (form->repeated && entry.value.type == Node::Type::kTable ? "[" + entry.key + "]"
                                                                         : shown(entry.value))});
    } else {
      read_table(*form, entry.value, draft);
    }
  }
}

}  // namespace penstock::config
