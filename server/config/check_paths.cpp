#include <algorithm>
#include <filesystem>
#include <optional>

#include "server/config/checks.h"
#include "server/config/path_pattern.h"
#include "server/config/path_set.h"
#include "server/config/text.h"

namespace penstock::config {
namespace {

constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL

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
  bool rotates;
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
  const bool has_files = sink.type == SinkType::kFile || sink.type == SinkType::kSqlite;
  const bool wanted =
      has_files && source.sound("type") && source.has("path") && source.sound("path");
  if (!wanted) return {};
  const auto& item = source.item("path", 0);
  if (auto parts = parse_path(sink.path); !parts) {
    // The words may quote the path: not when it may be a secret.
    source.error(
        draft.problems, item.place, "path",
        item.expanded ? item.shown + " expands to no valid path template" : parts.error().message);
    return {};
  }
  Target target{&source, absolute(sink.path, true), {}, sink.rotate.enabled()};
  if (target.path.size() > kMaxPathBytes) {
    source.error(draft.problems, item.place, "path",
                 "expected at most 4095 bytes, got " + std::to_string(target.path.size()));
    return {};
  }
  const auto parts = parse_path(target.path);
  if (!parts) return {};
  target.pattern = path_set(*parts, listeners_of(draft.config, sink.name));
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

// Rotation must not give a file the name that another sink writes to.
void check_archives(Draft& draft, const Target& rotated, const Target& other) {
  if (!rotated.rotates || !can_meet(archive_set(rotated.pattern), other.pattern)) return;
  other.source->error(draft.problems, other.source->place_of("path"), "path",
                      "can be a name that rotation gives the files of " + rotated.source->title +
                          " in line " + std::to_string(rotated.source->place_of("path").line) +
                          ", such as FILE.20260131T000000.000000Z");
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
    for (std::size_t k = 0; k < i; ++k) {
      check_pair(draft, targets[k], targets[i]);
      check_archives(draft, targets[k], targets[i]);
      check_archives(draft, targets[i], targets[k]);
    }
  }
  check_quarantine(draft, targets);
}

}  // namespace penstock::config
