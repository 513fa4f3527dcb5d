#include "server/commands/send/record_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/net/unique_fd.h"
#include "server/pipeline/quarantine_format.h"

namespace penstock {
namespace {

constexpr std::size_t kReadBytes = std::size_t{256} << 10;

class LineReader final : public RecordReader {
 public:
  LineReader(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Got next(std::string& record) override {
    for (;;) {
      const std::size_t end = buffer_.find('\n', std::max(at_, scanned_));
      if (end != std::string::npos) {
        record.assign(buffer_, at_, end - at_);
        at_ = end + 1;
        return Got::kRecord;
      }
      scanned_ = buffer_.size();
      if (ended_) return last_line(record);
      if (!ready()) return Got::kNotYet;
      fill();
    }
  }
  int fd() const override { return fd_.get(); }
  bool exact() const override { return false; }
  std::uint64_t bad() const override { return bad_; }

 private:
  Got last_line(std::string& record) {
    if (at_ == buffer_.size()) return Got::kEnd;
    record.assign(buffer_, at_);
    at_ = buffer_.size();
    return Got::kRecord;
  }

  bool ready() const {
    pollfd poll{fd_.get(), POLLIN, 0};
    return ::poll(&poll, 1, 0) != 0;
  }

  void fill() {
    buffer_.erase(0, at_);
    at_ = 0;
    const std::size_t held = buffer_.size();
    scanned_ = held;
    buffer_.resize(held + kReadBytes);
    const ssize_t n = ::read(fd_.get(), buffer_.data() + held, kReadBytes);
    const int error = errno;
    buffer_.resize(held + (n > 0 ? static_cast<std::size_t>(n) : 0));
    if (n > 0 || (n < 0 && (error == EINTR || error == EAGAIN))) return;
    ended_ = true;
    if (n == 0) return;
    ++bad_;
    std::fprintf(stderr, "penstock send: read %s: %s\n", path_.c_str(), errno_text(error).c_str());
  }

  UniqueFd fd_;
  std::string path_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::size_t scanned_ = 0;  // no LF before
  bool ended_ = false;
  std::uint64_t bad_ = 0;
};

class ReplayReader final : public RecordReader {
 public:
  ReplayReader(std::unique_ptr<RecordReader> lines, std::string path, std::string listener)
      : lines_(std::move(lines)), path_(std::move(path)), listener_(std::move(listener)) {}

  Got next(std::string& record) override {
    for (;;) {
      const Got got = lines_->next(line_);
      if (got == Got::kEnd) note_end();
      if (got != Got::kRecord) return got;
      ++number_;
      Result<QuarantineEntry> entry = parse_quarantine_line(line_);
      if (entry && !listener_.empty() && entry->listener != listener_) continue;
      if (entry) {
        found_ = true;
        record = std::move(entry->bytes);
        return Got::kRecord;
      }
      ++bad_;
      std::fprintf(stderr, "penstock send: %s:%llu: %s\n", path_.c_str(),
                   static_cast<unsigned long long>(number_), entry.error().message.c_str());
    }
  }
  int fd() const override { return lines_->fd(); }
  std::uint64_t bad() const override { return bad_ + lines_->bad(); }

 private:
  // A listener's name that was mistyped must not look like a replay that is done.
  void note_end() {
    if (found_ || listener_.empty()) return;
    found_ = true;
    ++bad_;
    std::fprintf(stderr, "penstock send: %s: no entry of listener \"%s\"\n", path_.c_str(),
                 listener_.c_str());
  }

  std::unique_ptr<RecordReader> lines_;
  std::string path_;
  std::string listener_;  // empty: all
  std::string line_;
  bool found_ = false;
  std::uint64_t number_ = 0;
  std::uint64_t bad_ = 0;
};

class OneRecord final : public RecordReader {
 public:
  explicit OneRecord(std::string record) : record_(std::move(record)) {}
  Got next(std::string& record) override {
    if (std::exchange(given_, true)) return Got::kEnd;
    record = record_;
    return Got::kRecord;
  }

 private:
  std::string record_;
  bool given_ = false;
};

}  // namespace

Result<std::unique_ptr<RecordReader>> open_lines(const std::string& path) {
  const int fd = path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                             : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return fail(errno, "open " + path + ": " + errno_text(errno));
  return std::make_unique<LineReader>(UniqueFd(fd), path);
}

Result<std::unique_ptr<RecordReader>> open_replay(const std::string& path,
                                                  const std::string& listener) {
  Result<std::unique_ptr<RecordReader>> lines = open_lines(path);
  if (!lines) return lines;
  return std::make_unique<ReplayReader>(std::move(*lines), path, listener);
}

std::unique_ptr<RecordReader> one_record(std::string record) {
  return std::make_unique<OneRecord>(std::move(record));
}

}  // namespace penstock
