#include "server/net/inflating_transport.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace penstock {
namespace {

using Status = ReadResult::Status;

ReadResult look(int fd, std::span<char> space) {
  ssize_t n;
  do {
    n = ::recv(fd, space.data(), space.size(), MSG_PEEK | MSG_DONTWAIT);
  } while (n < 0 && errno == EINTR);
  if (n > 0) return {Status::kBytes, static_cast<std::size_t>(n)};
  if (n == 0) return {Status::kEof};
  if (errno == EAGAIN) return {};
  return {Status::kError, 0, errno};
}

}  // namespace

ReadResult InflatingTransport::read(int fd, std::span<char> space, FrameCounts& counts) {
  if (why_ != nullptr) return {Status::kBroken};
  if (coding_ == Coding::kPlain)
    return held_bytes_ != 0 ? give_held(space) : receive_bytes(fd, space);
  if (pending_) {  // output that was kept back goes first
    const ReadResult result = inflate(fd, {}, space, counts);
    if (result.status != Status::kBytes || result.bytes != 0) return result;
  }
  return read_more(fd, space, counts);
}

ReadResult InflatingTransport::read_more(int fd, std::span<char> space, FrameCounts& counts) {
  std::copy_n(held_.data(), held_bytes_, scratch_.data());
  const ReadResult seen = look(fd, scratch_.subspan(held_bytes_, kLookBytes - held_bytes_));
  if (seen.status == Status::kAgain) rest();
  if (seen.status != Status::kBytes) return seen;
  const std::string_view input(scratch_.data(), held_bytes_ + seen.bytes);
  if (!coding_) coding_ = detect_coding(encoding_, input);
  if (!coding_) return hold(fd, input);
  if (coding_ == Coding::kPlain) return read(fd, space, counts);
  return inflate(fd, input, space, counts);
}

/// They leave the kernel, or its poll would tell of them for ever.
ReadResult InflatingTransport::hold(int fd, std::string_view input) {
  const std::size_t more = input.size() - held_bytes_;
  std::copy_n(input.data(), input.size(), held_.data());
  held_bytes_ = static_cast<std::uint8_t>(input.size());
  take(fd, more);
  return {Status::kBytes, 0, 0, more};
}

ReadResult InflatingTransport::give_held(std::span<char> space) noexcept {
  std::copy_n(held_.data(), held_bytes_, space.data());
  return {Status::kBytes, std::exchange(held_bytes_, std::uint8_t{0})};
}

/// `input` begins with what is held, if anything is; the rest of it is still in the kernel.
ReadResult InflatingTransport::inflate(int fd, std::string_view input, std::span<char> space,
                                       FrameCounts& counts) {
  if (!decompressor_) decompressor_.emplace(*coding_, limits_);
  const InflateResult done = inflate_with_memory(input, space);
  counts.compressed_bytes += done.consumed;
  counts.decompressed_bytes += done.produced;
  const std::size_t held = std::min<std::size_t>(held_bytes_, done.consumed);
  std::copy(held_.begin() + held, held_.end(), held_.begin());
  held_bytes_ = static_cast<std::uint8_t>(held_bytes_ - held);
  ReadResult result{Status::kBytes, done.produced, 0, done.consumed - held};
  take(fd, result.wire_bytes);
  switch (done.status) {
    case InflateStatus::kNeedsInput: pending_ = false; return result;
    case InflateStatus::kNeedsRoom: pending_ = true; return result;
    case InflateStatus::kNeedsMemory:
      pending_ = true;
      if (budget_.could_hold(done.memory_bytes)) {
        if (done.produced == 0) result.status = Status::kWait;
        return result;
      }
      why_ = "its window does not fit into a quarter of server.memory";
      reason_ = Reason::kDecompressLimit;
      break;
    case InflateStatus::kOverLimit: reason_ = Reason::kDecompressLimit; [[fallthrough]];
    case InflateStatus::kBroken: why_ = done.why; break;
  }
  pending_ = done.produced != 0;  // these first, then the bad news
  if (!pending_) result.status = Status::kBroken;
  return result;
}

InflateResult InflatingTransport::inflate_with_memory(std::string_view input,
                                                      std::span<char> space) {
  InflateResult all;
  for (;;) {
    const InflateResult step =
        decompressor_->step(input.substr(all.consumed), space.subspan(all.produced), charged_);
    all = {step.status, all.consumed + step.consumed, all.produced + step.produced,
           step.memory_bytes, step.why};
    if (step.status != InflateStatus::kNeedsMemory || !grant(step.memory_bytes)) return all;
  }
}

bool InflatingTransport::grant(std::size_t bytes) noexcept {
  if (!budget_.could_hold(bytes) || !budget_.try_grow(charged_, bytes)) return false;
  charged_ = bytes;
  return true;
}

/// Takes `bytes` that were looked at: tcp throws them away without a copy, unix copies them once more. They are there, as
/// nobody else reads; an error shows with the next look.
void InflatingTransport::take(int fd, std::size_t bytes) noexcept {
  while (bytes != 0) {
    const ssize_t n = ::recv(fd, scratch_.data(), bytes, MSG_DONTWAIT | MSG_TRUNC);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;
    bytes -= static_cast<std::size_t>(n);
  }
}

/// Nothing more is there now.
void InflatingTransport::rest() noexcept {
  if (charged_ == 0 || !decompressor_->inflater().trim()) return;
  budget_.change(std::exchange(charged_, 0), 0);
}

Transport::Place InflatingTransport::place() const noexcept {
  if (!decompressor_ || decompressor_->inflater().finished()) return Place::kWhole;
  return decompressor_->inflater().flushed() ? Place::kFlushed : Place::kInside;
}

Transport::Broken InflatingTransport::broken() const noexcept {
  const bool limit = reason_ == Reason::kDecompressLimit;
  return {reason_,
          limit ? "compressed stream exceeds a limit, closing"
                : "undecodable compressed stream, closing",
          why_};
}

void InflatingTransport::release() noexcept {
  decompressor_.reset();
  if (charged_ != 0) budget_.change(std::exchange(charged_, 0), 0);
  held_bytes_ = 0;
  pending_ = false;
}

}  // namespace penstock
