#include "protocols/compression/zstd_inflater.h"

#include <zstd.h>
#include <zstd_errors.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "protocols/core/check.h"

namespace penstock {
namespace {

/// libzstd's own state with its tables, and what it rounds up.
constexpr std::size_t kContextBytes = std::size_t{240} << 10;
constexpr std::size_t kMaxBlockBytes = std::size_t{128} << 10;
constexpr std::size_t kBlockHeaderBytes = 3;

}  // namespace

void ZstdInflater::Free::operator()(ZSTD_DCtx_s* context) const noexcept { ZSTD_freeDCtx(context); }

std::size_t ZstdInflater::memory_for(std::size_t window_bytes) noexcept {
  return kContextBytes + window_bytes + 2 * std::min(window_bytes, kMaxBlockBytes);
}

InflateResult ZstdInflater::step(std::string_view input, std::span<char> room,
                                 std::size_t memory_bytes) {
  InflateResult result;
  for (;;) {
    if (!in_frame_ && !begin_frame(input.substr(result.consumed), memory_bytes, result))
      return result;
    if (!inflate_some(input.substr(result.consumed), room.subspan(result.produced), result))
      return result;
  }
}

/// Between frames. False: there is none, `result` says why.
bool ZstdInflater::begin_frame(std::string_view rest, std::size_t memory_bytes,
                               InflateResult& result) {
  if (why_ != nullptr) return broken(why_, result);
  const ZstdHeader header = read_header(rest, result);
  if (header.status == ZstdHeader::Status::kNeedsMore) return false;
  if (header.status == ZstdHeader::Status::kNone) {
    return broken(further_ ? "bytes behind the end that are no further frame"
                           : "it does not begin as zstd does",
                  result);
  }
  if (header.window_bytes > kMaxZstdWindowBytes)
    return broken("its window is larger than 8 MiB", result);
  const std::size_t needed = memory_for(static_cast<std::size_t>(header.window_bytes));
  if (memory_bytes < needed) {
    result.status = InflateStatus::kNeedsMemory;
    result.memory_bytes = needed;
    return false;
  }
  open();
  content_left_ = header.content_bytes;
  in_frame_ = true;
  return true;
}

/// Collects a frame's header, in whatever pieces it comes.
ZstdHeader ZstdInflater::read_header(std::string_view rest, InflateResult& result) {
  for (;;) {
    const ZstdHeader header = parse_zstd_header({header_.data(), header_bytes_});
    if (header.status != ZstdHeader::Status::kNeedsMore || rest.empty()) return header;
    header_[header_bytes_++] = rest.front();
    rest.remove_prefix(1);
    ++result.consumed;
  }
}

/// How much to give libzstd: a call that fails gives nothing, not even the blocks before the bad one. So it gets one
/// block a call; what it asks for itself takes in the header of the next one.
std::size_t ZstdInflater::next_piece_bytes() const noexcept {
  return left_ > kBlockHeaderBytes ? left_ - kBlockHeaderBytes : left_;
}

/// One call into libzstd. False: `result` is final.
bool ZstdInflater::inflate_some(std::string_view rest, std::span<char> room,
                                InflateResult& result) {
  const bool from_header = header_fed_ != header_bytes_;
  const std::string_view source =
      from_header ? std::string_view(header_.data(), header_bytes_).substr(header_fed_)
                  : rest.substr(0, next_piece_bytes());
  if (source.empty() && !may_hold_more_) return false;  // libzstd calls many of these an error
  ZSTD_inBuffer in{source.data(), source.size(), 0};
  ZSTD_outBuffer out{room.data(), room.size(), 0};
  left_ = ZSTD_decompressStream(context_.get(), &out, &in);
  (from_header ? header_fed_ : result.consumed) += in.pos;
  may_hold_more_ = out.pos == out.size;
  const bool too_much = content_left_ && out.pos > *content_left_;
  const std::size_t good = too_much ? static_cast<std::size_t>(*content_left_) : out.pos;
  result.produced += good;
  if (content_left_) *content_left_ -= good;
  if (ZSTD_isError(left_) != 0) return broken(ZSTD_getErrorName(left_), result);
  // libzstd leaves this out behind an empty last block.
  if (too_much || (left_ == 0 && content_left_.value_or(0) != 0))
    return broken("its content is not as long as its header says", result);
  if (left_ == 0) {
    in_frame_ = false;
    further_ = true;
    header_bytes_ = header_fed_ = 0;
    return true;
  }
  if (may_hold_more_) {
    result.status = InflateStatus::kNeedsRoom;
    return false;
  }
  return from_header || in.pos != rest.size();
}

bool ZstdInflater::broken(const char* why, InflateResult& result) noexcept {
  why_ = why;
  in_frame_ = false;
  result.status = InflateStatus::kBroken;
  result.why = why;
  return false;
}

/// Inside a frame libzstd waits for the three bytes of a block's header where a block has ended, as ZSTD_e_flush ends
/// one. (It waits for three bytes of a checksum too; all is out there as well.)
bool ZstdInflater::flushed() const noexcept {
  return in_frame_ ? left_ == kBlockHeaderBytes && !may_hold_more_ : header_bytes_ == 0;
}

void ZstdInflater::reset() noexcept {
  if (context_) ZSTD_DCtx_reset(context_.get(), ZSTD_reset_session_only);
  header_bytes_ = header_fed_ = 0;
  why_ = nullptr;
  in_frame_ = further_ = false;
}

bool ZstdInflater::trim() noexcept {
  if (in_frame_) return false;
  context_.reset();
  return true;
}

std::size_t ZstdInflater::memory_bytes() const noexcept {
  return context_ ? ZSTD_sizeof_DCtx(context_.get()) : 0;
}

void ZstdInflater::open() {
  if (context_) return;
  context_.reset(ZSTD_createDCtx());
  PENSTOCK_CHECK(context_ != nullptr);
  const std::size_t set = ZSTD_DCtx_setParameter(context_.get(), ZSTD_d_windowLogMax,
                                                 std::bit_width(kMaxZstdWindowBytes) - 1);
  PENSTOCK_CHECK(ZSTD_isError(set) == 0);
}

}  // namespace penstock
