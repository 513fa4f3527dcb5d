#include "protocols/collectd/tables.h"

namespace penstock::collectd {
namespace {

constexpr std::string_view kBlanks = " \t\r";

std::string_view trim(std::string_view text) noexcept {
  const std::size_t begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

/// What stands before `separator`, which is taken too; all of it where there is none.
std::string_view take_until(std::string_view& text, char separator) noexcept {
  const std::size_t at = text.find(separator);
  const std::string_view front = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return front;
}

template <class TakeLine>
FileProblem for_each_line(std::string_view text, TakeLine take) {
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = trim(take_until(text, '\n'));
    if (line.empty() || line.front() == '#') continue;
    if (const Problem problem = take(line)) return {number, problem};
  }
  return {};
}

/// The next of a list whose parts blanks or a comma separate, or both. False at its end.
bool take_source(std::string_view& rest, std::string_view& source) noexcept {
  rest = trim(rest);
  source = rest.substr(0, rest.find_first_of(" \t\r,"));
  const bool found = !rest.empty();
  rest = trim(rest.substr(source.size()));
  if (rest.starts_with(',')) rest.remove_prefix(1);
  return found;
}

Problem take_type(std::string_view line, Tables& tables) {
  line = trim(take_until(line, '#'));
  const std::size_t blank = line.find_first_of(kBlanks);
  if (blank == std::string_view::npos) return {"a type without data sources"};
  std::vector<std::string> sources;
  std::string_view source;
  for (std::string_view rest = line.substr(blank); take_source(rest, source);) {
    const std::string_view name = take_until(source, ':');
    if (name.empty() || source.empty()) return {"a data source that is not NAME:TYPE:MIN:MAX"};
    sources.emplace_back(name);
  }
  tables.types.insert_or_assign(std::string(line.substr(0, blank)), std::move(sources));
  return {};
}

Problem take_user(std::string_view line, Tables& tables) {
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return {"a line that is not USER: PASSWORD"};
  const std::string_view user = trim(line.substr(0, colon));
  const std::string_view password = trim(line.substr(colon + 1));
  if (user.empty() || password.empty()) return {"a user or a password without a character"};
  tables.users.insert_or_assign(std::string(user), std::string(password));
  return {};
}

}  // namespace

FileProblem parse_types_db(std::string_view text, Tables& tables) {
  return for_each_line(text, [&](std::string_view line) { return take_type(line, tables); });
}

FileProblem parse_auth_file(std::string_view text, Tables& tables) {
  return for_each_line(text, [&](std::string_view line) { return take_user(line, tables); });
}

}  // namespace penstock::collectd
