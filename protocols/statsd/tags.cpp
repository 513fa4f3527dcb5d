#include "protocols/statsd/tags.h"

#include <algorithm>
#include <array>
#include <compare>
#include <span>
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

/// Each tag once, those of a name together: a few compared with each other, more sorted.
class Groups {
 public:
  void add(const Tag& tag) {
    if (many_.empty() && count_ < few_.size()) return add_to_few(tag);
    if (many_.empty()) many_.assign(few_.begin(), few_.end());
    many_.push_back(tag);
  }

  std::span<const Tag> all() {
    if (many_.empty()) return std::span(few_).first(count_);
    std::sort(many_.begin(), many_.end());
    many_.erase(std::unique(many_.begin(), many_.end()), many_.end());
    return many_;
  }

 private:
  void add_to_few(const Tag& tag) {
    std::size_t behind = count_;
    for (std::size_t at = 0; at < count_; ++at) {
      if (few_[at].name != tag.name) continue;
      if (few_[at].value == tag.value) return;
      behind = at + 1;
    }
    std::move_backward(few_.begin() + behind, few_.begin() + count_, few_.begin() + count_ + 1);
    few_[behind] = tag;
    ++count_;
  }

  std::array<Tag, 24> few_{};
  std::size_t count_ = 0;
  std::vector<Tag> many_;
};

}  // namespace

void write_tags(std::string_view list, FieldWriter& fields) {
  Groups groups;
  while (!list.empty()) {
    const std::string_view item = take_item(list, ',');
    if (!item.empty()) groups.add(tag_of(item));
  }
  const auto map = fields.begin_map(Field::kTags);
  const std::span<const Tag> tags = groups.all();
  std::string joined;
  for (std::size_t at = 0; at < tags.size();) {
    const Tag& first = tags[at++];
    if (at == tags.size() || tags[at].name != first.name) {
      fields.string(first.name, first.value);
      continue;
    }
    joined = first.value;
    for (; at < tags.size() && tags[at].name == first.name; ++at)
      joined.append(1, ',').append(tags[at].value);
    fields.string(first.name, joined);
  }
  fields.end(map);
}

}  // namespace penstock::statsd
