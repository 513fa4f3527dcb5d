#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "server/config/rule.h"
#include "server/config/value_parsers.h"

/// Short names for the rows of the key tables.
namespace penstock::config {

inline constexpr std::int64_t kKiB = 1024, kMiB = 1024 * kKiB, kGiB = 1024 * kMiB,
                              kTiB = 1024 * kGiB;
inline constexpr std::int64_t kMillisecond = 1, kSecond = 1000, kMinute = 60 * kSecond,
                              kHour = 60 * kMinute, kDay = 24 * kHour;

constexpr Rule flag() { return {Rule::Kind::kFlag}; }
constexpr Rule count(std::int64_t min, std::int64_t max, std::string_view zero = {}) {
  return {Rule::Kind::kCount, min, max, zero};
}
constexpr Rule size(std::int64_t min, std::int64_t max, std::string_view example,
                    std::string_view zero = {}) {
  return {Rule::Kind::kSize, min, max, zero, example};
}
constexpr Rule bytes(std::int64_t min, std::int64_t max, std::string_view example,
                     std::string_view zero = {}) {
  return {Rule::Kind::kBytes, min, max, zero, example};
}
constexpr Rule duration(std::int64_t min, std::int64_t max, std::string_view example,
                        std::string_view zero = {}) {
  return {Rule::Kind::kDuration, min, max, zero, example};
}
constexpr Rule seconds(std::int64_t min, std::int64_t max, std::string_view example,
                       std::string_view zero = {}) {
  return {Rule::Kind::kSeconds, min, max, zero, example};
}
constexpr Rule choice(std::span<const std::string_view> names) {
  return {Rule::Kind::kChoice, 0, 0, {}, {}, names};
}
constexpr Rule one_of(std::span<const std::string_view> numbers) {
  return {Rule::Kind::kOneOf, 0, 0, {}, {}, numbers};
}
constexpr Rule delimiter() { return {Rule::Kind::kDelimiter}; }
constexpr Rule name() { return {Rule::Kind::kName}; }
constexpr Rule text(std::string_view description) {
  return {Rule::Kind::kText, 0, 0, {}, description};
}
constexpr Rule list(std::string_view description) {
  return {Rule::Kind::kList, 0, 0, {}, description};
}
constexpr Rule percents(std::string_view description) {
  return {Rule::Kind::kPercents, 0, 0, {}, description};
}
constexpr Rule urls(std::string_view description) {
  return {Rule::Kind::kUrls, 0, 0, {}, description};
}
constexpr Rule options(std::string_view description) {
  return {Rule::Kind::kOptions, 0, 0, {}, description};
}
constexpr Rule zone() { return {Rule::Kind::kZone, -86399, kLocalZone}; }
constexpr Rule mode() { return {Rule::Kind::kMode, 0, 0777}; }
constexpr Rule account(std::string_view description) {
  return {Rule::Kind::kAccount,
          0,
          4294967294,
          {},
          description};  // 4294967295 is -1: "leave it" to chown
}

}  // namespace penstock::config
