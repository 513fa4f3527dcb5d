#include "protocols/statsd/series.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "protocols/core/check.h"

namespace penstock::statsd {
namespace {

constexpr std::size_t kFirstSlots = 16;

/// `|x:text` at the front of `rest`, taken off it; no data where it is not there.
std::string_view take_part(std::string_view& rest, std::string_view prefix) noexcept {
  if (!rest.starts_with(prefix)) return {};
  rest.remove_prefix(prefix.size());
  const std::string_view part = rest.substr(0, rest.find('|'));
  rest.remove_prefix(part.size());
  return part;
}

}  // namespace

// ---- keys

KeyParts parts_of_key(std::string_view key) noexcept {
  KeyParts parts;
  parts.kind = static_cast<MetricKind>(key[0] - '0');
  const std::size_t colon = key.find(':');
  parts.name = key.substr(1, colon - 1);
  parts.suffix = key.substr(colon + 1);
  std::string_view rest = parts.suffix;
  parts.tags = take_part(rest, "|#");
  parts.container = take_part(rest, "|c:");
  parts.external_data = take_part(rest, "|e:");
  parts.cardinality = take_part(rest, "|card:");
  return parts;
}

std::string_view KeyMaker::key_of(const Metric& metric) {
  key_.assign(1, static_cast<char>('0' + static_cast<int>(metric.kind)));
  key_ += metric.name;
  key_ += ':';
  append_tags(metric.parts.text(Part::kTags));
  const auto append = [&](Part part, std::string_view prefix) {
    if (!metric.parts.has(part)) return;
    key_ += prefix;
    key_ += metric.parts.text(part);
  };
  append(Part::kContainer, "|c:");
  append(Part::kExternal, "|e:");
  append(Part::kCardinality, "|card:");
  return key_;
}

void KeyMaker::append_tags(std::string_view tags) {
  if (tags.empty()) return;
  tags_.clear();
  for (std::size_t at = 0; at <= tags.size();) {
    const std::size_t end = std::min(tags.find(',', at), tags.size());
    if (end != at) tags_.push_back(tags.substr(at, end - at));
    at = end + 1;
  }
  std::sort(tags_.begin(), tags_.end());
  tags_.erase(std::unique(tags_.begin(), tags_.end()), tags_.end());
  std::string_view before = "|#";
  for (const std::string_view tag : tags_) {
    key_ += before;
    key_ += tag;
    before = ",";
  }
}

// ---- what is counted

void Timings::add(double value, double weight) {
  lowest = count == 0 ? value : std::min(lowest, value);
  highest = count == 0 ? value : std::max(highest, value);
  count += weight;
  sum += weight * value;
  const double from_mean = value - mean_;
  mean_ += from_mean * (weight / count);
  squares_ += weight * from_mean * (value - mean_);
  quantiles.add(value, weight);
}

double Timings::standard_deviation() const noexcept {
  return std::sqrt(std::max(0.0, squares_ / count));
}

bool TextSet::add(std::uint64_t hash, AggregateMemory* memory) {
  if (hash == 0) hash = 1;
  if (!slots_.empty() && slot_of(hash) == hash) return true;
  if (size_ == kMost || (size_ * 2 >= slots_.size() && !grow(memory))) return false;
  slot_of(hash) = hash;
  ++size_;
  return true;
}

/// Where it is, or would be.
std::uint64_t& TextSet::slot_of(std::uint64_t hash) noexcept {
  std::size_t at = hash & (slots_.size() - 1);
  while (slots_[at] != 0 && slots_[at] != hash) at = (at + 1) & (slots_.size() - 1);
  return slots_[at];
}

bool TextSet::grow(AggregateMemory* memory) {
  const std::size_t wanted = slots_.empty() ? kFirstSlots : slots_.size() * 2;
  const std::size_t more = (wanted - slots_.size()) * sizeof(std::uint64_t);
  if (memory != nullptr && !memory->try_take(more)) return false;
  std::vector<std::uint64_t> old(wanted);
  old.swap(slots_);
  for (const std::uint64_t hash : old)
    if (hash != 0) slot_of(hash) = hash;
  return true;
}

// ---- series

std::size_t Series::bytes() const noexcept {
  // Slots are twice to four times as many as series.
  std::size_t bytes = sizeof(Series) + 4 * sizeof(std::uint64_t) + key.size();
  if (timings) bytes += sizeof(Timings) + timings->quantiles.bytes();
  if (texts) bytes += sizeof(TextSet) + texts->bytes();
  return bytes;
}

std::size_t SeriesTable::place_of(std::string_view key, std::uint64_t hash) const noexcept {
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  std::size_t at = hash & (slots_.size() - 1);
  for (; slots_[at].place != 0; at = (at + 1) & (slots_.size() - 1))
    if (slots_[at].tag == tag && series_[slots_[at].place - 1].key == key) break;
  return at;
}

Series* SeriesTable::find(std::string_view key, std::uint64_t hash) noexcept {
  if (slots_.empty()) return nullptr;
  const std::uint32_t place = slots_[place_of(key, hash)].place;
  return place == 0 ? nullptr : &series_[place - 1];
}

Series& SeriesTable::insert(Series&& made) {
  Series& series = series_.emplace_back(std::move(made));
  if (series_.size() * 2 > slots_.size())
    index_anew();
  else
    slots_[place_of(series.key, series.hash)] = {static_cast<std::uint32_t>(series.hash >> 32),
                                                 static_cast<std::uint32_t>(series_.size())};
  return series;
}

void SeriesTable::index_anew() {
  PENSTOCK_CHECK(series_.size() < UINT32_MAX / 4);
  slots_.assign(std::max(kFirstSlots, std::bit_ceil(series_.size() * 4)), {});
  for (std::size_t at = 0; at < series_.size(); ++at) {
    const Series& series = series_[at];
    std::size_t to = series.hash & (slots_.size() - 1);
    while (slots_[to].place != 0) to = (to + 1) & (slots_.size() - 1);
    slots_[to] = {static_cast<std::uint32_t>(series.hash >> 32),
                  static_cast<std::uint32_t>(at + 1)};
  }
}

}  // namespace penstock::statsd
