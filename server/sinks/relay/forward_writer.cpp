#include "server/sinks/relay/forward_writer.h"

#include "protocols/forward/digests.h"
#include "protocols/forward/message.h"
#include "protocols/forward/values.h"
#include "server/sinks/gzip.h"
#include "server/sinks/msgpack_writer.h"
#include "server/sinks/record_chain.h"

namespace penstock {

void ForwardWriter::begin(RelayPart& part) {
  part_ = &part;
  behind_ = part.at;
  rest_ = {};
}

PartWriter::Step ForwardWriter::write(int fd, std::uint64_t offset) {
  constexpr std::size_t kEnough = std::size_t{1} << 20;
  Step step;
  while (step.bytes < kEnough) {
    if (rest_.empty()) {
      if (behind_.segment == kNoSegment) return step;
      if (!link_.has_room()) break;
      make_message();
      const std::uint64_t end = offset + step.bytes + message_.size();
      link_.sending(std::move(id_), end, ForwardLink::Clock::now());
      part_->marks.push_back({end, behind_});
      ++step.messages;
    }
    if (!send_front(fd, rest_, step)) return step;
  }
  step.state = State::kFull;  // others come first, or nothing may be sent now
  return step;
}

void ForwardWriter::make_message() {
  const std::size_t count = gather();
  const std::string_view entries(entries_.data(), entries_.size());
  message_ = "\x93";
  forward::append_text(message_, tag_);
  forward::append_bytes(message_, sending_.gzip ? gzip(entries) : entries);
  id_ = forward::chunk_id(message_);
  message_ += sending_.gzip ? '\x83' : '\x82';
  forward::append_text(message_, "size");
  std::array<char, 9> size{};
  MsgpackMemory memory{size.data()};
  MsgpackWriter<MsgpackMemory>(memory).unsigned_integer(count);
  message_.append(size.data(), memory.at);
  forward::append_text(message_, "chunk");
  forward::append_text(message_, id_);
  if (sending_.gzip) {
    forward::append_text(message_, "compressed");
    forward::append_text(message_, "gzip");
  }
  rest_ = message_;
}

/// Entries from behind_ on, as far as they have one tag and the buffer has room; how many.
std::size_t ForwardWriter::gather() {
  const RecordChain chain(*part_->batch, *part_->next, encoder_);
  const bool by_record = !sending_.tag || sending_.tag->by_record();
  std::size_t count = 0;
  entries_.shrink();
  entries_.clear();
  while (behind_.segment != kNoSegment) {
    write_tag(behind_);
    if (count != 0 && next_tag_ != tag_) break;
    tag_.swap(next_tag_);
    const Segment& segment = part_->batch->segments[behind_.segment];
    const std::size_t last =
        by_record ? behind_.frame + 1 : std::size_t{segment.first} + segment.count;
    const std::size_t stopped =
        encoder_.encode(*part_->batch, segment, behind_.frame, last, entries_);
    count += stopped - behind_.frame;
    behind_ = chain.settle({behind_.segment, stopped, 0});
    if (stopped != last) break;
  }
  return count;
}

/// Of the record at `place`: never empty, which Fluentd does not take, and never longer than a listener of ours takes.
void ForwardWriter::write_tag(const Place& place) {
  const Batch& batch = *part_->batch;
  const Segment& segment = batch.segments[place.segment];
  next_tag_.clear();
  if (sending_.tag) {
    sending_.tag->append(batch, segment, place.frame, next_tag_);
  } else if (const auto event = batch.event(place.frame)) {
    if (const auto tag = event->find(Field::kTag)) next_tag_ = tag->text;
  }
  if (next_tag_.empty()) next_tag_ = segment.origin->listener;
  next_tag_.resize(std::min(next_tag_.size(), forward::kMaxTagBytes));
}

std::string ForwardWriter::rest_of_record(const RelayPart& part, std::uint64_t) const {
  return &part == part_ && rest_.size() != message_.size() ? std::string(rest_) : std::string();
}

}  // namespace penstock
