#include "protocols/compression/zlib_inflater.h"

#include <algorithm>

#include "protocols/core/check.h"

namespace penstock {
namespace {

constexpr std::size_t kMostAtOnce = std::size_t{1} << 30;  // zlib counts in 32 bits
constexpr uLong kHeaderBytes = 2;                          // the part by which a member is known

}  // namespace

InflateResult ZlibInflater::step(std::string_view input, std::span<char> room,
                                 std::size_t memory_bytes) {
  InflateResult result;
  for (;;) {
    const std::string_view rest = input.substr(result.consumed);
    if (place_ != Place::kMember && !begin_member(rest, memory_bytes, result)) return result;
    if (!inflate_some(input.substr(result.consumed), room.subspan(result.produced), result))
      return result;
  }
}

/// Between members. False: there is none, `result` says why.
bool ZlibInflater::begin_member(std::string_view rest, std::size_t memory_bytes,
                                InflateResult& result) {
  if (place_ == Place::kBroken) {
    result.status = InflateStatus::kBroken;
    result.why = why_;
    return false;
  }
  if (gzip_ && place_ != Place::kStart && !rest.empty() && rest[0] == '\0')
    place_ = Place::kPadding;
  if (place_ == Place::kPadding) {
    const std::size_t zeros = std::min(rest.find_first_not_of('\0'), rest.size());
    result.consumed += zeros;
    rest.remove_prefix(zeros);
    if (!rest.empty()) {
      place_ = Place::kBroken;
      why_ = "bytes behind the zeros at the end";
      return begin_member(rest, memory_bytes, result);
    }
  }
  if (rest.empty()) return false;
  if (!open_ && memory_bytes < kMemoryBytes) {
    result.status = InflateStatus::kNeedsMemory;
    result.memory_bytes = kMemoryBytes;
    return false;
  }
  further_ = place_ == Place::kBetween;
  open();
  place_ = Place::kMember;
  return true;
}

/// One call into zlib. False: `result` is final; true: a member has ended, or zlib wants another call.
bool ZlibInflater::inflate_some(std::string_view rest, std::span<char> room,
                                InflateResult& result) {
  const auto in = static_cast<uInt>(std::min(rest.size(), kMostAtOnce));
  const auto out = static_cast<uInt>(std::min(room.size(), kMostAtOnce));
  stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));  // it only reads
  stream_.avail_in = in;
  stream_.next_out = reinterpret_cast<Bytef*>(room.data());
  stream_.avail_out = out;
  const int code = inflate(&stream_, Z_SYNC_FLUSH);
  result.consumed += in - stream_.avail_in;
  result.produced += out - stream_.avail_out;
  if (code == Z_STREAM_END) {
    place_ = Place::kBetween;
    return true;
  }
  if (code != Z_OK && code != Z_BUF_ERROR) {
    place_ = Place::kBroken;
    result.status = InflateStatus::kBroken;
    result.why = why_ = why_broken(code);
    return false;
  }
  if (stream_.avail_out == 0 && out == room.size()) {
    result.status = InflateStatus::kNeedsRoom;
    return false;
  }
  return in != rest.size() || out != room.size();
}

const char* ZlibInflater::why_broken(int code) const noexcept {
  PENSTOCK_CHECK(code != Z_MEM_ERROR && code != Z_STREAM_ERROR);
  if (code == Z_NEED_DICT) return "it needs a preset dictionary";
  if (stream_.total_in <= kHeaderBytes) {
    if (further_) return "bytes behind the end that are no further member";
    return gzip_ ? "it does not begin as gzip does" : "it does not begin as zlib does";
  }
  return stream_.msg != nullptr ? stream_.msg : "invalid data";
}

bool ZlibInflater::flushed() const noexcept {
  constexpr int kBetweenBlocks = 128, kUnusedBits = 7;  // zlib.h, inflate() with Z_BLOCK
  if (place_ != Place::kMember) return true;
  return (stream_.data_type & kBetweenBlocks) != 0 && (stream_.data_type & kUnusedBits) == 0;
}

void ZlibInflater::reset() noexcept { place_ = Place::kStart; }

bool ZlibInflater::trim() noexcept {
  if (place_ == Place::kMember) return false;
  close();
  return true;
}

void ZlibInflater::open() {
  constexpr int kGzipOnly = 16;
  const int code =
      open_ ? inflateReset(&stream_) : inflateInit2(&stream_, MAX_WBITS + (gzip_ ? kGzipOnly : 0));
  PENSTOCK_CHECK(code == Z_OK);
  open_ = true;
}

void ZlibInflater::close() noexcept {
  if (!open_) return;
  inflateEnd(&stream_);
  stream_ = {};
  open_ = false;
}

}  // namespace penstock
