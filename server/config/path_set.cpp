#include "server/config/path_set.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock::config {
namespace {

const std::vector<std::string> kSchemes = {"tcp",  "tcp4", "tcp6",     "udp",       "udp4",
                                           "udp6", "unix", "unixgram", "unixpacket"};

Pattern::Bytes without_slash(std::string_view pairs) {
  auto bytes = Pattern::range(pairs);
  bytes.reset('/');
  return bytes;
}

/// What a conversion gives in the C locale.
struct Conversion {
  char letter;
  std::size_t digits;
};
constexpr std::array<Conversion, 16> kFixed = {{{'Y', 4},
                                                {'G', 4},
                                                {'C', 2},
                                                {'y', 2},
                                                {'g', 2},
                                                {'m', 2},
                                                {'d', 2},
                                                {'H', 2},
                                                {'I', 2},
                                                {'M', 2},
                                                {'S', 2},
                                                {'j', 3},
                                                {'V', 2},
                                                {'U', 2},
                                                {'W', 2},
                                                {'u', 1}}};

void append_time(Pattern& pattern, std::string_view conversion) {
  const auto digit = Pattern::range("09");
  const auto digits = [&](std::size_t n) {
    while (n-- > 0) pattern.one(digit);
  };
  if (conversion == "%F") {
    digits(4);
    pattern.literal("-");
    digits(2);
    pattern.literal("-");
    return digits(2);
  }
  const auto* fixed = std::find_if(kFixed.begin(), kFixed.end(),
                                   [&](const auto& c) { return c.letter == conversion[1]; });
  if (fixed != kFixed.end()) return digits(fixed->digits);
  if (conversion.find_first_of("aAbBhpP") == 1) return pattern.some(Pattern::range("AZaz"));
  const bool slashes =
      conversion.back() == 'D' || conversion.back() == 'x' || conversion.back() == 'c';
  pattern.some(slashes ? Pattern::range(" ~") : without_slash(" ~"));
}

void append_url(Pattern& pattern) {
  pattern.any_of(kSchemes);
  pattern.literal(":");
  pattern.some(Pattern::range("AZaz09..__::--%%"));
}

// Addresses, `uid-1000`, `unknown`, as paths spell them.
void append_peer(Pattern& pattern) {
  auto bytes = Pattern::range("09afAF..::%%--");
  for (const char c : std::string_view("uidunknown")) bytes.set(static_cast<unsigned char>(c));
  pattern.some(bytes);
}

void append_part(Pattern& pattern, const PathPart& part,
                 const std::optional<std::vector<std::string>>& listeners) {
  switch (part.kind) {
    case PathPart::Kind::kLiteral: return pattern.literal(part.text);
    case PathPart::Kind::kTime: return append_time(pattern, part.text);
    case PathPart::Kind::kListener:
      return listeners ? pattern.any_of(*listeners) : pattern.some(Pattern::range("AZaz09__--"));
    case PathPart::Kind::kPeer: return append_peer(pattern);
    case PathPart::Kind::kUrl: return append_url(pattern);
    case PathPart::Kind::kScheme: return pattern.any_of(kSchemes);
    case PathPart::Kind::kField: return pattern.some(Pattern::Bytes().set());  // in no path
  }
}

}  // namespace

Pattern path_set(const std::vector<PathPart>& parts,
                 const std::optional<std::vector<std::string>>& listeners) {
  Pattern pattern;
  for (const auto& part : parts) append_part(pattern, part, listeners);
  return pattern;
}

Pattern archive_set(Pattern paths) {
  for (const char c : std::string_view(".ddddddddTdddddd.dddddd")) {
    c == 'd' ? paths.one(Pattern::range("09")) : paths.literal({&c, 1});
  }
  paths.any_of({"Z", "Z.zst", "Z.zst.tmp"});
  return paths;
}

}  // namespace penstock::config
