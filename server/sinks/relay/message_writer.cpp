#include "server/sinks/relay/message_writer.h"

#include <netinet/in.h>
#include <netinet/udp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace penstock {

void MessageWriter::begin(RelayPart& part) {
  part_ = &part;
  place_ = part.at;
  records_.clear();
  sent_ = 0;
}

void MessageWriter::gather() {
  const Batch& batch = *part_->batch;
  const RecordChain chain(batch, *part_->next, encoder_);
  records_.clear();
  buffer_.clear();
  sent_ = 0;
  while (place_.segment != kNoSegment && records_.size() < kMostRecords) {
    const std::size_t begin = buffer_.size();
    const Segment& segment = batch.segments[place_.segment];
    if (encoder_.encode(batch, segment, place_.frame, place_.frame + 1, buffer_) == place_.frame)
      return;
    const std::size_t frame = place_.frame;
    const std::size_t size = buffer_.size() - begin;
    place_ = chain.settle({place_.segment, frame + 1, 0});
    // Nothing written is a record without bytes, or one that has no form.
    if (size != 0 || encoder_.encodes(batch, frame))
      records_.push_back({begin, size, frame, place_});
  }
}

// Datagrams of one length from `first` on; the last of them may be shorter.
std::size_t MessageWriter::run_length(std::size_t first) const noexcept {
  constexpr std::size_t kMostBytes = 65'000;  // of one call, headers aside
  const std::size_t size = records_[first].size;
  if (!segments_ || size == 0 || size >= segment_limit_) return 1;
  std::size_t count = 1;
  std::size_t bytes = size;
  for (std::size_t at = first + 1; at < records_.size() && count < kMostSegments; ++at, ++count) {
    const std::size_t next = records_[at].size;
    bytes += next;
    if (next == 0 || next > size || bytes > kMostBytes) break;
    if (next < size) return count + 1;
  }
  return count;
}

void MessageWriter::make_messages() {
  messages_.clear();
  for (std::size_t at = sent_; at < records_.size(); at += messages_.back().records) {
    const std::size_t count = run_length(at);
    const Record& last = records_[at + count - 1];
    Message message{.records = count};
    message.bytes = {const_cast<char*>(buffer_.data()) + records_[at].begin,
                     last.begin + last.size - records_[at].begin};
    messages_.push_back(message);
  }
  headers_.assign(messages_.size(), {});
  std::size_t first = sent_;
  for (std::size_t i = 0; i < messages_.size(); ++i) {
    msghdr& header = headers_[i].msg_hdr;
    Message& message = messages_[i];
    header.msg_iov = &message.bytes;
    header.msg_iovlen = 1;
    if (message.records > 1) {
      header.msg_control = message.control.data();
      header.msg_controllen = message.control.size();
      cmsghdr* control = CMSG_FIRSTHDR(&header);
      control->cmsg_level = IPPROTO_UDP;
      control->cmsg_type = UDP_SEGMENT;
      control->cmsg_len = CMSG_LEN(sizeof(std::uint16_t));
      const auto size = static_cast<std::uint16_t>(records_[first].size);
      std::memcpy(CMSG_DATA(control), &size, sizeof size);
    }
    first += message.records;
  }
}

// What the first message, at `offset`, failed with: true when it goes on without that, in another way.
bool MessageWriter::give_up_on(int error, std::uint64_t offset) {
  const Record& record = records_[sent_];
  if (messages_.front().records > 1 && (error == EMSGSIZE || error == EINVAL || error == EIO)) {
    segment_limit_ = record.size;  // longer than the path takes, or a device that cannot
    return true;
  }
  if (error != EMSGSIZE) return false;
  part_->too_long->push_back(record.frame);
  part_->marks.push_back({offset, record.behind});  // told once, whatever breaks behind it
  ++sent_;
  return true;
}

PartWriter::Step MessageWriter::write(int fd, std::uint64_t offset) {
  constexpr std::size_t kEnough = std::size_t{1} << 20;
  Step step;
  while (step.bytes < kEnough) {
    if (sent_ == records_.size()) {
      gather();
      if (records_.empty()) {
        buffer_.shrink();
        return step;
      }
    }
    make_messages();
    const int n = ::sendmmsg(fd, headers_.data(), static_cast<unsigned>(headers_.size()),
                             MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n < 0 && (errno == EINTR || give_up_on(errno, offset + step.bytes))) continue;
    if (n < 0) {
      step.full_or_broken(errno);
      return step;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(n); ++i) {
      sent_ += messages_[i].records;
      step.bytes += messages_[i].bytes.iov_len;
      step.messages += messages_[i].records;
    }
    if (sent_ != 0) part_->marks.push_back({offset + step.bytes, records_[sent_ - 1].behind});
  }
  step.state = State::kFull;
  return step;
}

}  // namespace penstock
