#include "server/queue/inspect.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "protocols/core/errno_text.h"

namespace penstock {
namespace {

std::shared_ptr<Block> own_block(std::size_t bytes) { return std::make_shared<Block>(bytes); }

bool is_locked(FileOps& files, const std::string& path) {
  const int fd = files.open(path.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool locked = files.lock(fd) == -EWOULDBLOCK;
  files.close(fd);
  return locked;
}

/// Reads to the end, past damage; counts what is missing between batches.
SegmentReport look_at(FileOps& files, const std::string& directory, const std::string& name,
                      OriginTable& origins, const std::function<void(const StoredBatch&)>& each) {
  SegmentReport report;
  report.name = name;
  const auto opened = SegmentReader::open(files, directory + "/" + name, origins, own_block);
  if (!opened) {
    report.problem = opened.error().message;
    return report;
  }
  SegmentReader& reader = **opened;
  report.file_bytes = reader.file_bytes();
  report.used_bytes = reader.offset();
  report.first_record = report.end_record = reader.header().first_record;
  for (;;) {
    StoredBatch batch;
    const Result<bool> found =
        reader.next_behind_damage(reader.file_bytes(), report.end_record, batch);
    if (!found) report.problem = found.error().message;
    if (!found || !*found) return report;
    if (batch.first_record > report.end_record)
      report.missing += batch.first_record - report.end_record;
    report.end_record = std::max(report.end_record, batch.end_record());
    report.used_bytes = reader.offset();
    ++report.batches;
    report.records += batch.records - batch.damaged;
    report.damaged += batch.damaged;
    each(batch);
  }
}

/// Records that a segment should have before the next one begins. What a later segment has as well was written again.
void count_gaps(std::vector<SegmentReport>& segments) {
  for (std::size_t at = 0; at + 1 < segments.size(); ++at) {
    const std::uint64_t next = segments[at + 1].first_record;
    if (segments[at + 1].problem.empty() && segments[at].problem.empty() &&
        next > segments[at].end_record)
      segments[at].missing += next - segments[at].end_record;
  }
}

}  // namespace

Result<QueueReport> inspect_queue(FileOps& files, const std::string& directory,
                                  OriginTable& origins,
                                  const std::function<void(const StoredBatch&)>& each) {
  QueueReport report;
  std::vector<std::string> names;
  const int listed = files.list(directory.c_str(), [&](std::string_view name) {
    if (parse_segment_name(name)) names.emplace_back(name);
    if (parse_damaged_name(name)) report.set_aside.emplace_back(name);
    return true;
  });
  if (listed < 0) return fail(-listed, "list " + directory + ": " + errno_text(listed));
  CheckpointFile checkpoint(files, directory + "/checkpoint");
  if (const Result<void> read = checkpoint.open_to_read(); !read)
    return tl::unexpected(read.error());
  report.checkpoint_found = checkpoint.found();
  report.checkpoint = checkpoint.last();
  report.in_use = is_locked(files, directory + "/lock");
  std::sort(names.begin(), names.end());
  for (const std::string& name : names)
    report.segments.push_back(look_at(files, directory, name, origins, each));
  count_gaps(report.segments);
  return report;
}

std::uint64_t QueueReport::waiting() const noexcept {
  std::uint64_t waiting = 0, from = checkpoint.delivered;
  for (const SegmentReport& segment : segments) {
    if (segment.end_record <= from) continue;
    const std::uint64_t lost = segment.damaged + segment.missing;
    const std::uint64_t found = segment.end_record - std::max(from, segment.first_record);
    waiting += found - std::min(found, lost);
    from = std::max(from, segment.end_record);
  }
  return waiting;
}

bool QueueReport::sound() const noexcept {
  return std::all_of(segments.begin(), segments.end(), [](const SegmentReport& segment) {
    return segment.problem.empty() && segment.damaged == 0 && segment.missing == 0;
  });
}

}  // namespace penstock
