#include "server/commands/send/reader_supply.h"

#include <algorithm>

#include "protocols/framed/send_framing.h"

namespace penstock {
namespace {

constexpr std::size_t kHeldBytes = std::size_t{64} << 10;
constexpr std::size_t kHeldRecords = 4096;

}  // namespace

Pending ReaderSupply::pending(std::size_t c, std::size_t max_records) {
  Held& held = held_[c];
  if (held.done == held.ends.size()) refill(held);
  const std::size_t records = std::min(max_records, held.ends.size() - held.done);
  if (records == 0) return {};
  const std::span<const std::uint32_t> ends = std::span(held.ends).subspan(held.done, records);
  const std::string_view bytes =
      std::string_view(held.bytes).substr(held.at, ends.back() - held.at);
  return {bytes, ends, static_cast<std::uint32_t>(held.at)};
}

void ReaderSupply::refill(Held& held) {
  held.bytes.clear();
  held.ends.clear();
  held.done = 0;
  held.at = 0;
  while (!ended_ && held.bytes.size() < kHeldBytes && held.ends.size() < kHeldRecords) {
    const RecordReader::Got got = reader_.next(record_);
    if (got == RecordReader::Got::kEnd) ended_ = true;
    if (got != RecordReader::Got::kRecord) return;
    frame(held);
  }
}

void ReaderSupply::frame(Held& held) {
  std::string_view counts = record_;
  if (!reader_.exact() && counts.ends_with('\r')) counts.remove_suffix(1);
  ++read_;
  // Entries that run together on one stream are no longer the records they were.
  const bool runs_together = form_.framing == SendFraming::kNone && carrier_ == Carrier::kStream &&
                             reader_.exact() && held.sent + held.ends.size() > 0;
  if (runs_together || !keeps_whole(form_, carrier_, counts)) ++holding_delimiter_;
  const std::string_view padding = frame_padding(form_, record_);
  held.bytes += frame_prefix(form_, record_.size() + padding.size());
  held.bytes += record_;
  held.bytes += padding;
  held.bytes += frame_suffix(form_);
  held.ends.push_back(static_cast<std::uint32_t>(held.bytes.size()));
}

void ReaderSupply::wrote(std::size_t c, std::size_t bytes) {
  Held& held = held_[c];
  held.at += bytes;
  while (held.done < held.ends.size() && held.ends[held.done] <= held.at) {
    ++held.done;
    ++held.sent;
    ++sent_;
  }
}

void ReaderSupply::wrote_records(std::size_t c, std::size_t records) {
  Held& held = held_[c];
  held.done += records;
  held.sent += records;
  sent_ += records;
  if (held.done > 0) held.at = held.ends[held.done - 1];
}

bool ReaderSupply::skip_record(std::size_t c) {
  Held& held = held_[c];
  held.at = held.ends[held.done++];
  return true;
}

bool ReaderSupply::in_record(std::size_t c) const {
  const Held& held = held_[c];
  const std::size_t boundary = held.done == 0 ? 0 : held.ends[held.done - 1];
  return held.at != boundary;
}

}  // namespace penstock
