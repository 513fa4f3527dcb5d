#include "server/commands/send/generated_supply.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocols/framed/send_framing.h"

namespace penstock {
namespace {

constexpr std::size_t kLowDigits = 4;
constexpr std::uint64_t kLowEnd = 10'000;

// "0000" to "9999": a number's last digits are copied, not computed.
std::array<char, kLowEnd * kLowDigits> make_low_digits() {
  std::array<char, kLowEnd * kLowDigits> table{};
  for (std::size_t value = 0; value < kLowEnd; ++value) {
    std::size_t rest = value;
    for (std::size_t i = kLowDigits; i-- > 0; rest /= 10)
      table[value * kLowDigits + i] = static_cast<char>('0' + rest % 10);
  }
  return table;
}

}  // namespace

GeneratedSupply::GeneratedSupply(const PayloadTemplate& payload, const FrameForm& form, Deal deal,
                                 std::size_t block_bytes)
    : deal_(deal), positions_(deal.connections) {
  const std::string prefix = frame_prefix(form, payload.text.size());
  const std::string framed = prefix + payload.text + std::string(frame_suffix(form));
  stride_ = framed.size();
  sequence_at_ = prefix.size() + payload.sequence_at;
  const std::size_t records = std::max<std::size_t>(1, block_bytes / stride_);
  block_.reserve(records * stride_);
  for (std::size_t i = 0; i < records; ++i) {
    block_ += framed;
    ends_.push_back(static_cast<std::uint32_t>(block_.size()));
  }
}

Pending GeneratedSupply::pending(std::size_t c, std::size_t max_records) {
  const Position& position = positions_[c];
  const std::uint64_t left = deal_.records_of(c) - position.sent;
  if (left == 0 || max_records == 0) return {};
  const bool held = c == owner_ && position.sent >= nth_ && position.sent - nth_ < held_;
  if (!held)
    render(c, position.sent,
           static_cast<std::size_t>(std::min<std::uint64_t>({left, max_records, ends_.size()})));
  const std::size_t at = static_cast<std::size_t>(position.sent - nth_);
  const std::size_t records = std::min(held_ - at, max_records);
  const std::string_view bytes(block_.data() + at * stride_ + position.partial,
                               records * stride_ - position.partial);
  return {bytes, std::span(ends_).first(records), position.partial};
}

void GeneratedSupply::render(std::size_t c, std::uint64_t nth, std::size_t records) {
  static const std::array<char, kLowEnd* kLowDigits> low_digits = make_low_digits();
  constexpr std::size_t kHighDigits = kSequenceDigits - kLowDigits;
  std::array<char, kSequenceDigits> digits{};
  std::uint64_t low = kLowEnd;  // forces the first number to be written in full
  std::uint64_t sequence = deal_.sequence(c, nth);
  char* to = block_.data() + sequence_at_;
  for (std::size_t i = 0; i < records; ++i, to += stride_) {
    if (low >= kLowEnd) {
      write_sequence(digits.data(), sequence);
      low = sequence % kLowEnd;
    }
    std::memcpy(to, digits.data(), kHighDigits);
    std::memcpy(to + kHighDigits, low_digits.data() + low * kLowDigits, kLowDigits);
    sequence += deal_.connections;
    low += deal_.connections;
  }
  owner_ = c;
  nth_ = nth;
  held_ = records;
}

void GeneratedSupply::wrote(std::size_t c, std::size_t bytes) {
  Position& position = positions_[c];
  const std::size_t all = position.partial + bytes;
  position.sent += all / stride_;
  sent_ += all / stride_;
  position.partial = static_cast<std::uint32_t>(all % stride_);
}

}  // namespace penstock
