#include "protocols/json/severity.h"

#include <algorithm>
#include <array>

namespace penstock {
namespace {

struct Word {
  std::string_view word;
  std::int64_t severity;
};
constexpr std::array kWords = {
    Word{"info", 6},     Word{"error", 3},       Word{"warn", 4},          Word{"debug", 7},
    Word{"warning", 4},  Word{"notice", 5},      Word{"err", 3},           Word{"fatal", 2},
    Word{"critical", 2}, Word{"crit", 2},        Word{"trace", 7},         Word{"verbose", 7},
    Word{"silly", 7},    Word{"alert", 1},       Word{"emergency", 0},     Word{"emerg", 0},
    Word{"panic", 0},    Word{"information", 6}, Word{"informational", 6},
};

bool same_word(std::string_view text, std::string_view lower) noexcept {
  return text.size() == lower.size() &&
         std::equal(text.begin(), text.end(), lower.begin(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a | 0x20 : a) == b; });
}

}  // namespace

std::optional<std::int64_t> severity_of_word(std::string_view word) noexcept {
  for (const Word& known : kWords) {
    if (same_word(word, known.word)) return known.severity;
  }
  return std::nullopt;
}

std::optional<std::int64_t> severity_of_number(std::int64_t level) noexcept {
  if (level >= 0 && level <= 7) return level;
  switch (level) {
    case 10:
    case 20: return 7;
    case 30: return 6;
    case 40: return 4;
    case 50: return 3;
    case 60: return 2;
    default: return std::nullopt;
  }
}

}  // namespace penstock
