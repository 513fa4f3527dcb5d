#include "server/queue/checkpoint.h"

#include <fcntl.h>

#include <cerrno>
#include <optional>
#include <string_view>

#include "protocols/core/errno_text.h"
#include "server/files/created_paths.h"
#include "server/queue/bytes.h"
#include "server/queue/crc32c.h"
#include "server/queue/unreadable.h"

namespace penstock {
namespace {

constexpr std::string_view kCheckpointMagic = "PSTCKPT1";
constexpr mode_t kCheckpointMode = 0640;

std::string encode_slot(const Checkpoint& checkpoint) {
  std::string values;
  ByteWriter write(values);
  write.put(checkpoint.sequence);
  write.put(checkpoint.delivered);
  write.put(checkpoint.durable);
  std::string out(kCheckpointMagic);
  ByteWriter(out).put(std::uint64_t{crc32c(0, values)});
  return out + values;
}

std::optional<Checkpoint> parse_slot(std::string_view bytes) {
  ByteReader read(bytes);
  read.raw(kCheckpointMagic.size() + sizeof(std::uint64_t));
  Checkpoint checkpoint;
  checkpoint.sequence = read.get<std::uint64_t>();
  checkpoint.delivered = read.get<std::uint64_t>();
  checkpoint.durable = read.get<std::uint64_t>();
  if (!read.ok() || encode_slot(checkpoint) != bytes) return std::nullopt;
  return checkpoint;
}

}  // namespace

CheckpointFile::~CheckpointFile() {
  if (fd_ >= 0) files_.close(fd_);
}

Result<void> CheckpointFile::open(bool& created) {
  fd_ = open_or_create(
      [&](int more) {
        return files_.open(path_.c_str(), O_RDWR | O_CLOEXEC | more, kCheckpointMode);
      },
      created);
  if (fd_ < 0) return fail(-fd_, "open " + path_ + ": " + errno_text(fd_));
  return read();
}

Result<void> CheckpointFile::open_to_read() {
  fd_ = files_.open(path_.c_str(), O_RDONLY | O_CLOEXEC, 0);
  if (fd_ == -ENOENT) return {};
  if (fd_ < 0) return fail(-fd_, "open " + path_ + ": " + errno_text(fd_));
  return read();
}

Result<void> CheckpointFile::read() {
  for (const std::size_t at : {std::size_t{0}, kSlotDistance}) {
    char slot[kSlotBytes];
    const std::int64_t n = files_.pread(fd_, slot, sizeof slot, static_cast<std::int64_t>(at));
    if (n < 0 && is_unreadable(static_cast<int>(-n))) {
      damaged_ = true;
      continue;
    }
    if (n < 0)
      return fail(static_cast<int>(-n), "read " + path_ + ": " + errno_text(static_cast<int>(n)));
    const std::string_view bytes(slot, static_cast<std::size_t>(n));
    const auto found = parse_slot(bytes);
    if (found && found->sequence > last_.sequence) last_ = *found;
    if (!found && bytes.find_first_not_of('\0') != bytes.npos) damaged_ = true;
  }
  return {};
}

Result<void> CheckpointFile::write(std::uint64_t delivered, std::uint64_t durable) {
  const Checkpoint next{last_.sequence + 1, delivered, durable};
  const std::string slot = encode_slot(next);
  const std::int64_t at = next.sequence % 2 == 0 ? 0 : kSlotDistance;
  const std::int64_t n = files_.pwrite(fd_, slot.data(), slot.size(), at);
  if (n < 0)
    return fail(static_cast<int>(-n), "write " + path_ + ": " + errno_text(static_cast<int>(n)));
  if (static_cast<std::size_t>(n) != slot.size())
    return fail(ENOSPC, "write " + path_ + ": " + errno_text(ENOSPC));
  last_ = next;
  return {};
}

Result<void> CheckpointFile::sync() {
  const int synced = files_.fdatasync(fd_);
  if (synced < 0) return fail(-synced, "sync " + path_ + ": " + errno_text(synced));
  return {};
}

}  // namespace penstock
