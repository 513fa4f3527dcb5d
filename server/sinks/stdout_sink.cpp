#include "server/sinks/stdout_sink.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <numeric>

#include "protocols/core/check.h"
#include "server/files/file_ops.h"
#include "server/pipeline/frame_ranges.h"

namespace penstock {
namespace {

constexpr std::chrono::seconds kPatience{1};  // without progress
constexpr std::size_t kMaxStdoutWriteBytes = std::size_t{1}
                                             << 20;  // an interrupt is seen between two writes
constexpr std::size_t kSharedWriteBytes = 4096;      // PIPE_BUF: what POLLOUT promises room for

}  // namespace

StdoutSink::StdoutSink(const config::Sink& config, int fd)
    : name_(config.name), encoder_(make_encoder(config)), fd_(fd) {}

StdoutSink::~StdoutSink() {
  if (own_fd_) ::close(fd_);
}

Result<void> StdoutSink::open() {
  struct stat status {};
  if (::fstat(fd_, &status) < 0) {
    return fail(errno, "sink \"" + name_ + "\": standard output: " + errno_text(errno));
  }
  if ((::fcntl(fd_, F_GETFL) & O_ACCMODE) == O_RDONLY) {
    return fail(EBADF, "sink \"" + name_ + "\": stdout is closed (or open for reading only)");
  }
  if (S_ISSOCK(status.st_mode)) {
    way_ = Way::kSocket;
  } else if (S_ISFIFO(status.st_mode) || (S_ISCHR(status.st_mode) && ::isatty(fd_) != 0)) {
    const std::string path = "/proc/self/fd/" + std::to_string(fd_);
    const int again = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    way_ = again < 0 ? Way::kShared : Way::kOwn;
    own_fd_ = again >= 0;
    if (own_fd_) fd_ = again;
  }
  return {};
}

void StdoutSink::begin(const Batch& batch) {
  batch_ = &batch;
  next_.resize(batch.segments.size());
  std::iota(next_.begin(), next_.end(), std::uint32_t{1});
  if (!next_.empty()) next_.back() = kNoSegment;
  place_ = RecordChain(batch, next_, *encoder_).begin(next_.empty() ? kNoSegment : 0);
}

WriteStatus StdoutSink::write(const Batch& batch) {
  if (batch_ == nullptr) begin(batch);
  PENSTOCK_CHECK(batch_ == &batch);
  error_.clear();
  give_up_ = std::chrono::steady_clock::now() + kPatience;
  if (!torn_tail_.empty()) torn_tail_.erase(0, write_out(torn_tail_));
  if (!torn_tail_.empty()) return WriteStatus::kRetry;
  const RecordChain chain(batch, next_, *encoder_);
  while (place_.segment != kNoSegment) {
    const Piece piece = chain.piece(place_, buffer_);
    const std::size_t out = write_out(piece.bytes);
    place_ = out == piece.bytes.size() ? piece.end : chain.advance(place_, out);
    if (out == piece.bytes.size()) continue;
    buffer_.shrink();
    return WriteStatus::kRetry;
  }
  buffer_.shrink();
  batch_ = nullptr;
  return WriteStatus::kDelivered;
}

std::vector<FrameRange> StdoutSink::abandon(const Batch& batch) {
  interrupt_.clear();
  if (batch_ == nullptr) return {{0, batch.frames.size()}};
  std::vector<FrameRange> undelivered;
  const RecordChain chain(batch, next_, *encoder_);
  chain.remaining(place_, undelivered);
  if (place_.skip != 0) torn_tail_ = chain.ending(place_);
  batch_ = nullptr;
  merge_ranges(undelivered);
  return undelivered;
}

std::size_t StdoutSink::write_out(std::string_view bytes) {
  std::size_t done = 0;
  while (done < bytes.size()) {
    if (interrupt_.requested()) {
      error_ = "interrupted";
      break;
    }
    const std::int64_t n = write_some(bytes.substr(done, kMaxStdoutWriteBytes));
    if (n > 0) {
      done += static_cast<std::size_t>(n);
      give_up_ = std::chrono::steady_clock::now() + kPatience;
      continue;
    }
    if (n == -EINTR || (n == -EAGAIN && interrupt_.wait_writable(fd_, give_up_))) continue;
    error_ = "write standard output: " + (n == -EAGAIN
                                              ? "full, nobody reads it"
                                              : errno_text(n == 0 ? ENOSPC : static_cast<int>(n)));
    break;
  }
  return done;
}

// Bytes written or a negated errno; -EAGAIN where it would have to wait.
std::int64_t StdoutSink::write_some(std::string_view bytes) {
  if (way_ == Way::kShared) {
    if (!interrupt_.wait_writable(fd_, std::chrono::steady_clock::time_point::min()))
      return -EAGAIN;
    bytes = bytes.substr(0, kSharedWriteBytes);
  }
  const ssize_t n = way_ == Way::kSocket
                        ? ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                        : ::write(fd_, bytes.data(), bytes.size());
  return n < 0 ? -std::int64_t{errno} : n;
}

}  // namespace penstock
