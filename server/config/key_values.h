#pragma once

#include <array>
#include <chrono>
#include <string_view>

#include "server/config/rule.h"

/// What the rows of several tables of keys have in common.
namespace penstock::config {

// Words in the order of their enumerators.
inline constexpr std::array<std::string_view, 2> kEndians = {"big", "little"};
inline constexpr std::array<std::string_view, 4> kLengthBytes = {"1", "2", "4", "8"};

template <class T>
T as(const Value& value) {
  return static_cast<T>(value.number);
}
inline std::chrono::milliseconds ms(const Value& value) {
  return std::chrono::milliseconds(value.number);
}

}  // namespace penstock::config
