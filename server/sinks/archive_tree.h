#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <set>
#include <string>

#include "server/files/file_ops.h"

namespace penstock {

/// Names of files, by directory.
using NamesByDirectory = std::map<std::string, std::set<std::string, std::less<>>>;

/// The files that a path template can give and that have archives, whether the files themselves are there or not: those of
/// yesterday's path, too. Looks only as deep below the template's first varying part as the template goes; what cannot be
/// read is passed over. `path_template` is sound.
NamesByDirectory find_archived(FileOps& files, const std::string& path_template,
                               const std::atomic<bool>& stop);

}  // namespace penstock
