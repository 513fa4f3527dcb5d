#include "server/commands/send/verify.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "protocols/core/errno_text.h"
#include "server/log/log.h"
#include "server/net/unique_fd.h"

namespace penstock {
namespace {

constexpr std::size_t kVerifyReadBytes = std::size_t{1} << 20;
constexpr std::size_t kExamples = 5;

}  // namespace

Verifier::Verifier(PayloadTemplate payload, std::uint64_t first, std::uint64_t count)
    : payload_(std::move(payload)), first_(first), right_(count), altered_(count) {}

void Verifier::add(std::string_view bytes) {
  const std::size_t size = payload_.text.size();
  while (!bytes.empty()) {
    // Most lines are as long as a record: one look saves the search.
    std::size_t end = held_.empty() && bytes.size() > size && bytes[size] == '\n' &&
                              only_sequence_differs(bytes.data())
                          ? size
                          : bytes.find('\n');
    if (end == std::string_view::npos) {
      held_ += bytes;
      return;
    }
    if (held_.empty()) {
      line(bytes.substr(0, end));
    } else {
      held_ += bytes.substr(0, end);
      line(held_);
      held_.clear();
    }
    bytes.remove_prefix(end + 1);
  }
}

void Verifier::end_file() {
  if (held_.empty()) return;
  ++result_.unterminated;
  line(held_);
  held_.clear();
}

bool Verifier::only_sequence_differs(const char* line) const noexcept {
  const std::string& text = payload_.text;
  const std::size_t behind = payload_.sequence_at + kSequenceDigits;
  return std::memcmp(line, text.data(), payload_.sequence_at) == 0 &&
         std::memcmp(line + behind, text.data() + behind, text.size() - behind) == 0;
}

void Verifier::line(std::string_view line) {
  ++result_.lines;
  const std::size_t behind = payload_.sequence_at + kSequenceDigits;
  const std::string_view head = std::string_view(payload_.text).substr(0, payload_.sequence_at);
  if (line.size() < behind || !line.starts_with(head)) {
    ++result_.foreign;
    return wrong("foreign", line);
  }
  const std::optional<std::uint64_t> sequence = read_sequence(line.data() + payload_.sequence_at);
  if (!sequence || *sequence < first_ || *sequence - first_ >= right_.size()) {
    ++result_.foreign;
    return wrong("foreign", line);
  }
  const std::uint64_t number = *sequence - first_;
  if (line.size() != payload_.text.size() || !only_sequence_differs(line.data())) {
    ++result_.altered;
    altered_.add(number);
    return wrong("altered", line);
  }
  if (right_.add(number)) {
    ++result_.right;
  } else {
    ++result_.doubled;
    wrong("doubled", line);
  }
}

void Verifier::wrong(std::string_view what, std::string_view line) {
  if (result_.examples.size() >= kExamples) return;
  result_.examples.push_back(std::string(what) + ": " + log::escaped(line, 160));
}

VerifyResult Verifier::result() {
  VerifyResult result = result_;
  const bool all = expected_.size() == 0;
  for (std::uint64_t number = 0; number < right_.size(); ++number) {
    const bool expected = all || (number < expected_.size() && expected_.has(number));
    if (!expected) {
      result.unexpected += right_.has(number);
    } else if (!right_.has(number) && !altered_.has(number)) {
      if (++result.lost <= kExamples)
        result.examples.push_back("lost: " + std::to_string(first_ + number));
    }
  }
  return result;
}

Result<bool> verify_file(Verifier& verifier, const std::string& path) {
  const UniqueFd fd(path == "-" ? ::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0)
                                : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return fail(errno, "open " + path + ": " + errno_text(errno));
  std::string buffer(kVerifyReadBytes, '\0');
  for (;;) {
    const ssize_t n = ::read(fd.get(), buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(errno, "read " + path + ": " + errno_text(errno));
    if (n == 0) break;
    verifier.add(std::string_view(buffer.data(), static_cast<std::size_t>(n)));
  }
  verifier.end_file();
  return true;
}

}  // namespace penstock
