#include "server/config/draft.h"

namespace penstock::config {
namespace {

std::string prefixed(const std::string& title, std::string_view key, const std::string& text) {
  return title + ": " + (key.empty() ? std::string() : std::string(key) + ": ") + text;
}

}  // namespace

bool TableSource::sound(std::string_view key) const {
  const auto at = keys.find(key);
  return at == keys.end() || at->second.valid;
}

Place TableSource::place_of(std::string_view key) const {
  const auto at = keys.find(key);
  return at == keys.end() ? place : at->second.value;
}

const Item& TableSource::item(std::string_view key, std::size_t index) const {
  return keys.find(key)->second.items[index];
}

void TableSource::error(Problems& problems, Place at, std::string_view key,
                        const std::string& text) const {
  problems.push_back({at, prefixed(title, key, text), false});
}

void TableSource::warn(Problems& problems, Place at, std::string_view key,
                       const std::string& text) const {
  problems.push_back({at, prefixed(title, key, text), true});
}

void TableSource::error_if_given(Problems& problems, std::string_view key,
                                 const std::string& text) const {
  if (const auto given = keys.find(key); given != keys.end())
    error(problems, given->second.key, key, text);
}

void TableSource::warn_if_given(Problems& problems, std::string_view key,
                                const std::string& text) const {
  if (const auto given = keys.find(key); given != keys.end())
    warn(problems, given->second.key, key, text);
}

void TableSource::error_if_alone(Problems& problems, std::string_view key,
                                 std::string_view other) const {
  if (has(key) && !has(other))
    error(problems, place_of(key), key, "expected " + std::string(other) + " beside it");
}

}  // namespace penstock::config
