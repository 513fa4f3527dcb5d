#include "server/sinks/archive_tree.h"

#include <algorithm>
#include <vector>

#include "protocols/core/check.h"
#include "server/config/path_set.h"
#include "server/sinks/archive_name.h"

namespace penstock {
namespace {

using config::PathPart;
using config::Pattern;

constexpr std::size_t kSlashesOfDate = 2;  // %D and %x are 11/25/26

std::size_t slashes(const PathPart& part) {
  if (part.kind == PathPart::Kind::kLiteral)
    return static_cast<std::size_t>(std::count(part.text.begin(), part.text.end(), '/'));
  const bool date =
      part.kind == PathPart::Kind::kTime && (part.text.back() == 'D' || part.text.back() == 'x');
  return date ? kSlashesOfDate : 0;
}

class Walk {
 public:
  Walk(FileOps& files, const Pattern& paths, const std::atomic<bool>& stop)
      : files_(files), paths_(paths), stop_(stop) {}

  /// `prefix` is a directory's path and a slash, or nothing for the current one.
  void directory(const std::string& prefix, std::size_t depth) {
    std::vector<std::string> below;
    files_.list(prefix.empty() ? "." : prefix.c_str(), [&](std::string_view name) {
      if (const auto archive = parse_archive_name(name)) {
        add(prefix, std::string(archive->base));
      } else if (depth > 0 && name != "." && name != "..") {
        below.emplace_back(name);
      }
      return !stop_.load();
    });
    for (const std::string& name : below) {
      if (stop_.load()) return;
      directory(prefix + name + '/', depth - 1);
    }
  }

  NamesByDirectory take() { return std::move(found_); }

 private:
  void add(const std::string& prefix, std::string name) {
    const std::string path = prefix + name, directory = parent_directory(path);
    const auto known = found_.find(directory);
    if (known != found_.end() && known->second.contains(name)) return;
    Pattern only;
    only.literal(path);
    if (can_meet(paths_, only)) found_[directory].insert(std::move(name));
  }

  FileOps& files_;
  const Pattern& paths_;
  const std::atomic<bool>& stop_;
  NamesByDirectory found_;
};

}  // namespace

NamesByDirectory find_archived(FileOps& files, const std::string& path_template,
                               const std::atomic<bool>& stop) {
  const auto parts = config::parse_path(path_template);
  PENSTOCK_CHECK(parts.has_value());
  const Pattern paths = path_set(*parts);
  std::string prefix;
  std::size_t depth = 0;
  for (const PathPart& part : *parts) depth += slashes(part);
  if (parts->front().kind == PathPart::Kind::kLiteral) {
    prefix = parts->front().text.substr(0, parts->front().text.rfind('/') + 1);
    depth -= slashes(parts->front());
  }
  Walk walk(files, paths, stop);
  walk.directory(prefix, depth);
  return walk.take();
}

}  // namespace penstock
