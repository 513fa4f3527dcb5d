#include <algorithm>
#include <array>
#include <filesystem>
#include <optional>

#include "server/config/checks.h"
#include "server/config/path_pattern.h"
#include "server/config/pattern.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL
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
                 const std::vector<std::string>& listeners) {
  switch (part.kind) {
    case PathPart::Kind::kLiteral: return pattern.literal(part.text);
    case PathPart::Kind::kTime: return append_time(pattern, part.text);
    case PathPart::Kind::kListener: return pattern.any_of(listeners);
    case PathPart::Kind::kPeer: return append_peer(pattern);
    case PathPart::Kind::kUrl: return append_url(pattern);
    case PathPart::Kind::kScheme: return pattern.any_of(kSchemes);
  }
}

// Absolute, without `.`, `..` and doubled slashes; braces and percents of the current directory are doubled, so that
// they stay what they are in a template.
std::string absolute(const std::string& path, bool is_template) {
  std::error_code error;
  std::string directory =
      path.starts_with('/') ? std::string() : std::filesystem::current_path(error).string() + '/';
  if (is_template) {
    std::string doubled;
    for (const char c : directory) doubled.append(c == '{' || c == '}' || c == '%' ? 2 : 1, c);
    directory = doubled;
  }
  std::string normal = std::filesystem::path(directory + path).lexically_normal().string();
  while (normal.size() > 1 && normal.ends_with('/')) normal.pop_back();
  return normal.starts_with("//") ? normal.substr(1) : normal;
}

Pattern below(Pattern pattern) {
  pattern.literal("/");
  pattern.some(Pattern::Bytes().set());
  return pattern;
}

// The same file, or one of them a directory of the other.
bool can_collide(const Pattern& a, const Pattern& b) {
  return can_meet(a, b) || can_meet(below(a), b) || can_meet(a, below(b));
}

/// Where a file sink can write.
struct Target {
  const TableSource* source;
  std::string path;  // absolute template
  Pattern pattern;
};

std::vector<std::string> listeners_of(const Config& config, const std::string& sink) {
  const auto has = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), sink) != names.end();
  };
  std::vector<std::string> names;
  for (const auto& listener : config.listeners) {
    if (!listener.name.empty() && (has(listener.sinks) || has(listener.best_effort_sinks)))
      names.push_back(listener.name);
  }
  return names;
}

std::optional<Target> target_of(Draft& draft, std::size_t index) {
  const auto& sink = draft.config.sinks[index];
  const auto& source = draft.sinks[index];
  const bool wanted = sink.type == SinkType::kFile && source.sound("type") && source.has("path") &&
                      source.sound("path");
  if (!wanted) return {};
  const auto& item = source.item("path", 0);
  if (auto parts = parse_path(sink.path); !parts) {
    // The words may quote the path: not when it may be a secret.
    source.error(
        draft.problems, item.place, "path",
        item.expanded ? item.shown + " expands to no valid path template" : parts.error().message);
    return {};
  }
  Target target{&source, absolute(sink.path, true), {}};
  if (target.path.size() > kMaxPathBytes) {
    source.error(draft.problems, item.place, "path",
                 "expected at most 4095 bytes, got " + std::to_string(target.path.size()));
    return {};
  }
  const auto parts = parse_path(target.path);
  if (!parts) return {};
  const auto listeners = listeners_of(draft.config, sink.name);
  for (const auto& part : *parts) append_part(target.pattern, part, listeners);
  return target;
}

void check_pair(Draft& draft, const Target& a, const Target& b) {
  if (a.path != b.path && !can_collide(a.pattern, b.pattern)) return;
  b.source->error(
      draft.problems, b.source->place_of("path"), "path",
      "can meet that of " + a.source->title + " in line " +
          std::to_string(a.source->place_of("path").line) +
          ", expected templates that never give the same file or one as a directory of the other");
}

void check_quarantine(Draft& draft, const std::vector<Target>& targets) {
  if (!draft.quarantine.sound("path")) return;
  Pattern directory;
  const std::string path = absolute(draft.config.quarantine.path, false);
  directory.literal(path == "/" ? "" : path);
  for (const auto& target : targets) {
    if (!can_collide(directory, target.pattern)) continue;
    target.source->error(
        draft.problems, target.source->place_of("path"), "path",
        "can lie in the quarantine directory, expected one outside of quarantine.path");
  }
}

}  // namespace

void check_paths(Draft& draft) {
  std::vector<Target> targets;
  for (std::size_t i = 0; i < draft.sinks.size(); ++i) {
    if (auto target = target_of(draft, i)) targets.push_back(std::move(*target));
  }
  for (std::size_t i = 0; i < targets.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) check_pair(draft, targets[k], targets[i]);
  }
  check_quarantine(draft, targets);
}

}  // namespace penstock::config
