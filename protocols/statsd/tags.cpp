#include "protocols/statsd/tags.h"

#include <algorithm>
#include <array>
#include <compare>
#include <string>
#include <vector>

#include "protocols/statsd/words.h"

namespace penstock::statsd {

using namespace std::string_view_literals;

namespace {

struct Tag {
  std::string_view name, value;
  friend auto operator<=>(const Tag&, const Tag&) = default;
};

Tag tag_of(std::string_view item) noexcept {
  const std::size_t colon = item.find(':');
  const std::string_view name = item.substr(0, colon);
  return {name == "metric_type"sv ? "sent_metric_type"sv : name,
          colon == std::string_view::npos ? "true"sv : item.substr(colon + 1)};
}

/// The next tag of `list` that is not empty, taken off it. False: there is none.
bool next_tag(std::string_view& list, Tag& tag) noexcept {
  while (!list.empty()) {
    const std::string_view item = take_item(list, ',');
    if (item.empty()) continue;
    tag = tag_of(item);
    return true;
  }
  return false;
}

/// Names that are compared with each other. Their memory costs nothing before it is used.
class Names {
 public:
  /// False: it is there already, or there is no room for it.
  bool add(std::string_view name) noexcept {
    if (count_ == all_.size()) return false;
    for (std::size_t at = 0; at < count_; ++at)
      if (std::string_view(all_[at].data, all_[at].size) == name) return false;
    all_[count_++] = {name.data(), name.size()};
    return true;
  }

 private:
  struct Name {
    const char* data;
    std::size_t size;
  };
  std::array<Name, 16> all_;
  std::size_t count_ = 0;
};

/// As they come. False: a name comes again, or may.
bool write_distinct(std::string_view list, FieldWriter& fields) {
  Names names;
  for (Tag tag; next_tag(list, tag);) {
    if (!names.add(tag.name)) return false;
    fields.string(tag.name, tag.value);
  }
  return true;
}

void write_joined(std::string_view list, FieldWriter& fields) {
  std::vector<Tag> tags;
  for (Tag tag; next_tag(list, tag);) tags.push_back(tag);
  std::sort(tags.begin(), tags.end());
  tags.erase(std::unique(tags.begin(), tags.end()), tags.end());
  std::string values;
  for (std::size_t at = 0; at < tags.size();) {
    const std::string_view name = tags[at].name;
    values = tags[at].value;
    for (++at; at < tags.size() && tags[at].name == name; ++at)
      values.append(1, ',').append(tags[at].value);
    fields.string(name, values);
  }
}

}  // namespace

void write_tags(std::string_view list, FieldWriter& fields) {
  const auto map = fields.begin_map(Field::kTags);
  if (!write_distinct(list, fields)) {
    fields.empty(map);
    write_joined(list, fields);
  }
  fields.end(map);
}

}  // namespace penstock::statsd
