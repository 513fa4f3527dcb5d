#pragma once

#include <string>

#include "server/files/file_ops.h"
#include "server/sinks/write_plan.h"

namespace penstock {

/// Undoing on disk what a part has written since its session began. All need the file open; each reports whether the
/// file could be cut: not where it is no regular file, or where somebody else has written to it since (its size is not
/// the one we left), for then the bytes at its end are not ours.

/// Notes where the part's session begins, unless one is running. 0 or a negated errno.
int begin_session(FileOps& files, Part& part);

/// Cuts the file back to its last whole record. In either case the part goes on with the whole record; where the file
/// could not be cut `ending` (see RecordChain::ending) becomes its OutFile::torn_tail, with which the next write begins.
bool cut_torn_record(FileOps& files, Part& part, std::string ending);

/// After a failed sync nobody knows which of the session's pages are on disk, and a second sync would say yes without
/// having written them (the kernel marks them clean). So the session is cut off and written again; where the file could
/// not be cut, its records appear twice, a torn one behind its `ending`.
bool take_back_session(FileOps& files, Part& part, std::string ending);

}  // namespace penstock
