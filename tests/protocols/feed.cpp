#include "tests/protocols/feed.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "protocols/core/check.h"
#include "tests/protocols/events.h"

namespace penstock::test {
namespace {

constexpr std::size_t kBlockBytes = std::size_t{16} << 10;

std::uint64_t sum(const std::array<std::uint64_t, kReasonCount>& by_reason) noexcept {
  return std::accumulate(by_reason.begin(), by_reason.end(), std::uint64_t{0});
}

}  // namespace

Feed::Feed(std::unique_ptr<Decoder> decoder, Place place)
    : decoder_(std::move(decoder)), place_(place) {
  make_room(0);
}

bool Feed::read(std::string_view piece) {
  read_bytes_ += piece.size();
  if (why_ != nullptr) {
    counts_.discarded_bytes[static_cast<std::size_t>(reason_)] += piece.size();
    return false;
  }
  // The outside buffer is exactly as long as the input, so that a sanitizer sees a look beyond it.
  const std::size_t size = tail_.size() + piece.size();
  make_room(size);
  char* const room = batch_.block->data() + fill_;
  const auto outside = std::make_unique<char[]>(place_ == Place::kOutside ? size : 0);
  char* const at = place_ == Place::kOutside ? outside.get() : room;
  std::copy(tail_.begin(), tail_.end(), at);
  std::copy(piece.begin(), piece.end(), at + tail_.size());
  BatchWriter writer = open_writer(place_ == Place::kOutside ? room : room + size);
  const Consumed consumed = decoder_->on_bytes({at, size}, now, writer, *this);
  PENSTOCK_CHECK(consumed.bytes <= size);
  why_ = consumed.why;
  reason_ = consumed.reason;
  tail_.assign(at + consumed.bytes, size - consumed.bytes);
  const bool copied = writer.end() != (place_ == Place::kOutside ? room : room + size);
  fill_ += copied || place_ == Place::kOutside ? static_cast<std::size_t>(writer.end() - room)
                                               : consumed.bytes;
  if (why_ != nullptr) {
    counts_.discarded_bytes[static_cast<std::size_t>(reason_)] += tail_.size();
    tail_.clear();
  }
  longest_tail_ = std::max(longest_tail_, tail_.size());
  after(writer);
  return why_ == nullptr;
}

bool Feed::read_cut(std::string_view bytes, const std::vector<std::size_t>& cuts) {
  std::size_t from = 0;
  for (const std::size_t cut : cuts) {
    read(bytes.substr(from, cut - from));
    from = cut;
  }
  return read(bytes.substr(from));
}

bool Feed::read_bytewise(std::string_view bytes) {
  for (const char& byte : bytes) read({&byte, 1});
  return why_ == nullptr;
}

void Feed::datagram(std::string_view input, std::size_t wire_bytes) {
  read_bytes_ += std::max(wire_bytes, input.size());
  make_room(input.size());
  const auto slot = std::make_unique<char[]>(input.size());
  std::copy(input.begin(), input.end(), slot.get());
  char* const room = batch_.block->data() + fill_;
  BatchWriter writer = open_writer(room);
  decoder_->on_datagram({slot.get(), input.size()}, wire_bytes, now, writer, *this);
  fill_ += static_cast<std::size_t>(writer.end() - room);
  after(writer);
}

void Feed::end(EndReason cause) {
  make_room(tail_.size());
  char* const room = batch_.block->data() + fill_;
  const bool outside = place_ == Place::kOutside;
  if (!outside) std::copy(tail_.begin(), tail_.end(), room);
  BatchWriter writer = open_writer(outside ? room : room + tail_.size());
  decoder_->on_end(cause, {outside ? tail_.data() : room, tail_.size()}, writer);
  fill_ = static_cast<std::size_t>(writer.end() - batch_.block->data());
  tail_.clear();
  after(writer);
}

void Feed::open() { decoder_->on_open(peer, *this); }

void Feed::deadline() {
  make_room(0);
  char* const room = batch_.block->data() + fill_;
  BatchWriter writer = open_writer(room);
  decoder_->on_deadline(now, writer, *this);
  fill_ += static_cast<std::size_t>(writer.end() - room);
  after(writer);
}

void Feed::complete(Outcome outcome) {
  if (!asked_) return;
  asked_ = false;
  decoder_->on_complete(batch_id_++, outcome, *this);
}

BatchWriter Feed::open_writer(char* input_end) {
  batch_.id = batch_id_;
  batch_.segments.back().peer = peer;
  batch_.segments.back().time_ns = now.wall_ns;
  return BatchWriter(batch_, input_end, counts_, *this);
}

void Feed::after(const BatchWriter& writer) {
  asked_ = asked_ || writer.acknowledges();
  if (writer.problem()) {
    noted_.push_back(to_string(writer.problem()));
    noted_of_.push_back(writer.problem_peer().value_or(peer));
  }
  check_balance();
}

std::vector<Record> Feed::records() const {
  std::vector<Record> all = records_;
  for (const FrameRef& frame : batch_.frames) {
    all.push_back({std::string(batch_.bytes(frame)),
                   static_cast<std::uint8_t>(frame.flags & ~unsigned{kFrameInFields})});
  }
  return all;
}

std::vector<std::string> Feed::events() const {
  std::vector<std::string> all = events_;
  for (std::string& event : events_of(batch_)) all.push_back(std::move(event));
  return all;
}

bool Feed::lines() const { return lines_ && batch_.segments.back().lines; }

void Feed::on_reject(Reason reason, std::string_view bytes, const Problem& problem,
                     const Segment& segment) {
  refused_of_.push_back({segment.peer, segment.time_ns});
  reasons_.push_back(to_string(problem));
  refusals_.push_back({reason, std::string(bytes),
                       reason == Reason::kUnparsed ? to_string(problem) : std::string()});
}

void Feed::send(std::string_view bytes) { sent_ += bytes; }

// `bytes` of input and a LF for one frame more than have one of their own.
void Feed::make_room(std::size_t bytes) {
  if (batch_.block != nullptr && fill_ + 2 * bytes + 1 <= batch_.block->capacity()) return;
  if (batch_.block != nullptr) collect();
  batch_ = Batch{};
  batch_.block = std::make_shared<Block>(std::max(kBlockBytes, 2 * bytes + 1));
  batch_.segments.emplace_back();
  fill_ = 0;
  checked_ = 0;
}

void Feed::collect() {
  records_ = records();
  events_ = events();
  lines_ = lines();
}

void Feed::check_balance() {
  const FrameCounts& c = counts_;
  PENSTOCK_CHECK(read_bytes_ + c.decompressed_bytes == c.compressed_bytes + c.in_frames_bytes +
                                                           c.framing_bytes + c.cut_bytes +
                                                           sum(c.discarded_bytes) + tail_.size());
  PENSTOCK_CHECK(c.frames == c.decoded + c.aggregated + c.empty + sum(c.rejected));
  PENSTOCK_CHECK(c.events == c.decoded + c.flushed);
  check_segment();
}

// What Segment::lines promises to sinks; frames lie in the part of the block that is filled. Only what this call added.
void Feed::check_segment() {
  const Segment& segment = batch_.segments.back();
  PENSTOCK_CHECK(segment.count == batch_.frames.size());
  for (; checked_ < batch_.frames.size(); ++checked_) {
    const std::string_view frame = batch_.bytes(batch_.frames[checked_]);
    PENSTOCK_CHECK(!frame.empty());
    if ((batch_.frames[checked_].flags & kFrameInFields) != 0) {
      PENSTOCK_CHECK(!segment.lines);
      continue;
    }
    PENSTOCK_CHECK(frame.data() + frame.size() <= batch_.block->data() + fill_);
    if (!segment.lines) continue;
    PENSTOCK_CHECK(checked_ == 0 || frame.data() == next_line_);
    PENSTOCK_CHECK(frame.find('\n') == std::string_view::npos &&
                   frame.data()[frame.size()] == '\n');
    next_line_ = frame.data() + frame.size() + 1;
  }
}

bool same(const FrameCounts& a, const FrameCounts& b) noexcept {
  return a.in_frames_bytes == b.in_frames_bytes && a.framing_bytes == b.framing_bytes &&
         a.cut_bytes == b.cut_bytes && a.discarded_bytes == b.discarded_bytes &&
         a.frames == b.frames && a.decoded == b.decoded && a.empty == b.empty &&
         a.truncated == b.truncated && a.partial == b.partial && a.unparsed == b.unparsed &&
         a.aggregated == b.aggregated && a.unaggregated == b.unaggregated &&
         a.flushed == b.flushed && a.rejected == b.rejected && a.events == b.events;
}

}  // namespace penstock::test
