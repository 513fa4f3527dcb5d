#include <algorithm>
#include <map>
#include <set>

#include "server/config/checks.h"
#include "server/config/suggest.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

template <class T>
void check_names_of(const std::vector<T>& tables, const std::vector<TableSource>& sources,
                    Problems& problems) {
  std::map<std::string, const TableSource*> seen;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    const auto& source = sources[i];
    if (!source.has("name")) {
      source.error(problems, source.place, "name", "missing, expected a name of its own");
      continue;
    }
    if (!source.sound("name")) continue;
    const auto [first, added] = seen.emplace(tables[i].name, &source);
    if (added) continue;
    source.error(problems, source.place_of("name"), "name",
                 "used already in line " + std::to_string(first->second->place_of("name").line) +
                     ", expected a name of its own");
  }
}

std::vector<std::string> sink_names(const Draft& draft) {
  std::vector<std::string> names;
  for (const auto& sink : draft.config.sinks) {
    if (!sink.name.empty()) names.push_back(sink.name);
  }
  return names;
}

// A sink whose own name was refused may be the one that is meant: then nothing is said.
bool all_names_sound(const Draft& draft) {
  return std::all_of(draft.sinks.begin(), draft.sinks.end(), [](const TableSource& sink) {
    return sink.has("name") && sink.sound("name");
  });
}

void check_known(Draft& draft, const TableSource& source, const std::string& key,
                 const std::vector<std::string>& names) {
  const auto given = source.keys.find(key);
  if (given == source.keys.end() || !all_names_sound(draft)) return;
  for (const auto& item : given->second.items) {
    if (contains(names, item.text)) continue;
    std::string hint = item.expanded ? std::string() : did_you_mean(item.text, names);
    if (hint.empty() && !names.empty()) hint = ", the sinks are " + quoted_list(names, "and");
    source.error(draft.problems, item.place, key, "unknown sink " + item.shown + hint);
  }
}

void check_listener(Draft& draft, std::size_t index, const std::vector<std::string>& names) {
  auto& listener = draft.config.listeners[index];
  const auto& source = draft.listeners[index];
  if (!source.sound("sinks") || !source.sound("best_effort_sinks")) return;
  check_known(draft, source, "sinks", names);
  check_known(draft, source, "best_effort_sinks", names);
  if (!source.has("sinks")) {
    std::copy_if(names.begin(), names.end(), std::back_inserter(listener.sinks),
                 [&](const auto& name) { return !contains(listener.best_effort_sinks, name); });
    return;
  }
  for (std::size_t i = 0; i < listener.best_effort_sinks.size(); ++i) {
    if (!contains(listener.sinks, listener.best_effort_sinks[i])) continue;
    const auto& item = source.item("best_effort_sinks", i);
    source.error(draft.problems, item.place, "best_effort_sinks",
                 item.shown + " is in sinks as well, expected in one of them");
  }
  if (listener.sinks.empty() && listener.best_effort_sinks.empty()) {
    source.error(draft.problems, source.place_of("sinks"), "sinks",
                 "an empty list and no best_effort_sinks, expected at least one sink");
  }
}

void check_used(Draft& draft) {
  std::set<std::string> used;
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) {
    if (!draft.listeners[i].sound("sinks") || !draft.listeners[i].sound("best_effort_sinks"))
      return;
    used.insert(draft.config.listeners[i].sinks.begin(), draft.config.listeners[i].sinks.end());
    used.insert(draft.config.listeners[i].best_effort_sinks.begin(),
                draft.config.listeners[i].best_effort_sinks.end());
  }
  if (draft.listeners.empty()) return;
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    const auto& name = draft.config.sinks[i].name;
    if (name.empty() || used.count(name) != 0) continue;
    draft.sinks[i].warn(draft.problems, draft.sinks[i].place, {}, "no listener uses it");
  }
}

}  // namespace

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void check_names(Draft& draft) {
  check_names_of(draft.config.listeners, draft.listeners, draft.problems);
  check_names_of(draft.config.sinks, draft.sinks, draft.problems);
}

void check_routes(Draft& draft) {
  const auto names = sink_names(draft);
  for (std::size_t i = 0; i < draft.listeners.size(); ++i) check_listener(draft, i, names);
  check_used(draft);
}

}  // namespace penstock::config
