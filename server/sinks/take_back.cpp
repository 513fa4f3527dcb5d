#include "server/sinks/take_back.h"

#include <utility>

namespace penstock {
namespace {

// Cuts `bytes` off the end of the part's file if the end is ours.
bool cut(FileOps& files, Part& part, std::int64_t bytes) {
  if (!part.file->regular || !part.in_session) return false;
  struct stat status {};
  if (files.fstat(part.file->fd, status) < 0) return false;
  const std::int64_t size = part.session_size + part.session_written;
  if (status.st_size != size || files.ftruncate(part.file->fd, size - bytes) < 0) return false;
  part.session_written -= bytes;
  part.file->unsynced = true;
  return true;
}

}  // namespace

int begin_session(FileOps& files, Part& part) {
  if (part.in_session) return 0;
  part.session_place = part.place;
  part.session_written = 0;
  if (part.file->regular) {
    struct stat status {};
    if (const int result = files.fstat(part.file->fd, status); result < 0) return result;
    part.session_size = status.st_size;
  }
  part.in_session = true;
  return 0;
}

bool cut_torn_record(FileOps& files, Part& part, std::string ending) {
  const bool was_cut = cut(files, part, static_cast<std::int64_t>(part.place.skip));
  part.place.skip = 0;
  if (!was_cut) part.file->torn_tail = std::move(ending);
  return was_cut;
}

bool take_back_session(FileOps& files, Part& part, std::string ending) {
  const bool torn = part.torn();
  const bool was_cut = cut(files, part, part.session_written);
  if (!was_cut && torn) part.file->torn_tail = std::move(ending);
  part.place = part.session_place;
  part.in_session = false;
  return was_cut;
}

}  // namespace penstock
