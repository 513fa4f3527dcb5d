#include "protocols/framing/json.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "protocols/core/byte_order_mark.h"
#include "protocols/framing/find_byte.h"

namespace penstock {
namespace {

constexpr char kRecordSeparator = 0x1E;  // RFC 7464 section 2.1
constexpr std::string_view kStructure = "\"{}[],:\n\x1E";

using ByteSet = std::array<bool, 256>;

constexpr ByteSet set_of(std::string_view bytes) {
  ByteSet set{};
  for (const char byte : bytes) set[static_cast<unsigned char>(byte)] = true;
  return set;
}
constexpr ByteSet kStructural = set_of(kStructure);

bool is(const ByteSet& set, char byte) noexcept { return set[static_cast<unsigned char>(byte)]; }
bool is_control(char byte) noexcept { return static_cast<unsigned char>(byte) < 0x20; }
bool is_separator(char byte) noexcept {
  return byte == ' ' || byte == '\n' || byte == '\r' || byte == '\t' || byte == kRecordSeparator;
}
bool begins_scalar(char byte) noexcept {
  return (byte >= '0' && byte <= '9') || byte == '-' || byte == 't' || byte == 'f' || byte == 'n';
}
bool begins_closed_value(char byte) noexcept { return byte == '{' || byte == '[' || byte == '"'; }
bool ends_scalar(char byte) noexcept {
  return byte == ' ' || is_control(byte) || begins_closed_value(byte);
}
bool stops_string(char byte) noexcept { return byte == '"' || byte == '\\' || is_control(byte); }

// The first byte of [at, end) that means something inside a string; `end` where there is none.
const char* find_string_stop(const char* at, const char* end) noexcept {
  if constexpr (std::endian::native == std::endian::little) {
    constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
    for (; end - at >= 8; at += 8) {
      std::uint64_t word;
      std::memcpy(&word, at, sizeof word);
      const std::uint64_t quote = word ^ kOnes * '"', backslash = word ^ kOnes * '\\';
      // The lowest set bit stands in the first byte sought; higher ones may be false (borrows), so only it is used.
      const std::uint64_t stops = (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) |
                                   ((word - kOnes * 0x20) & ~word)) &
                                  kHighs;
      if (stops != 0) return at + std::countr_zero(stops) / 8;
    }
  }
  return std::find_if(at, end, stops_string);
}

}  // namespace

FrameResult JsonFramer::next(std::string_view input) noexcept {
  for (;;) {
    if (input.empty()) return {};
    switch (mode_) {
      case Mode::kStart:
        if (const FrameResult mark = begin_stream(input);
            mode_ == Mode::kStart || mark.consumed != 0)
          return mark;
        break;
      case Mode::kBetween: {
        const char* end = input.data() + input.size();
        const char* value = std::find_if_not(input.data(), end, is_separator);
        if (const auto n = static_cast<std::size_t>(value - input.data()); n != 0)
          return {.status = FrameStatus::kSkipping, .consumed = n, .framing = n};
        begin_value(input.front());
        break;
      }
      case Mode::kValue:
        if (const FrameResult found = in_value(input);
            found.status != FrameStatus::kNeedMore || mode_ == Mode::kValue)
          return found;
        break;
      case Mode::kScalar:
        if (const FrameResult found = in_scalar(input);
            found.status != FrameStatus::kNeedMore || mode_ == Mode::kScalar)
          return found;
        break;
      case Mode::kBroken: return in_broken(input);
    }
  }
}

// Nothing found and kStart left: there is no mark. A part of one must wait.
FrameResult JsonFramer::begin_stream(std::string_view input) noexcept {
  const bool has_mark = input.starts_with(kByteOrderMark);
  if (!has_mark && kByteOrderMark.starts_with(input)) return {};
  mode_ = Mode::kBetween;
  if (!has_mark) return {};
  const std::size_t size = kByteOrderMark.size();
  return {.status = FrameStatus::kSkipping, .consumed = size, .framing = size};
}

void JsonFramer::begin_value(char first) noexcept {
  scanned_ = 0;
  depth_ = 0;
  in_string_ = escaped_ = line_start_ = has_lf_ = false;
  may_begin_ = true;
  if (begins_closed_value(first)) {
    mode_ = Mode::kValue;
  } else if (begins_scalar(first)) {
    mode_ = Mode::kScalar;
  } else {
    mode_ = Mode::kBroken;
    why_ = {"no JSON value begins with this byte", scanned_};
  }
}

// ---- in brackets or quotes

FrameResult JsonFramer::in_value(std::string_view input) noexcept {
  switch (scan(window(input, 0))) {
    case Scan::kMore: return unfinished(input);
    case Scan::kEnd: return whole(input);
    case Scan::kResume: return rejected(input);
    case Scan::kLost: mode_ = Mode::kBroken; break;
  }
  return {};
}

JsonFramer::Scan JsonFramer::scan(std::string_view input) noexcept {
  while (scanned_ < input.size()) {
    const Scan found = in_string_ ? scan_string(input) : scan_structure(input);
    if (found != Scan::kMore) return found;
  }
  return Scan::kMore;
}

// Up to the closing quote, which is passed over. Other control characters are not allowed either, but do not tell
// where a value ends: that is left to the parser.
JsonFramer::Scan JsonFramer::scan_string(std::string_view input) noexcept {
  const char* const begin = input.data();
  const char* const end = begin + input.size();
  const char* at = begin + scanned_;
  for (;;) {
    if (!escaped_) at = find_string_stop(at, end);
    scanned_ = static_cast<std::size_t>(at - begin);
    if (at == end) return Scan::kMore;
    if (*at == '\n') return no_value(Scan::kResume, "line end inside a JSON string");
    if (*at == kRecordSeparator)
      return no_value(Scan::kResume, "record separator inside a JSON string");
    const char byte = *at++;
    if (escaped_)
      escaped_ = false;
    else if (byte == '\\')
      escaped_ = true;
    else if (byte == '"')
      break;
  }
  scanned_ = static_cast<std::size_t>(at - begin);
  in_string_ = may_begin_ = false;
  return depth_ == 0 ? Scan::kEnd : Scan::kMore;
}

// Up to a quote, which is passed over, or the end of the value.
JsonFramer::Scan JsonFramer::scan_structure(std::string_view input) noexcept {
  const char* const end = input.data() + input.size();
  const char* at = input.data() + scanned_;
  do {
    while (at != end && !is(kStructural, *at)) ++at;
    scanned_ = static_cast<std::size_t>(at - input.data());
    if (at == end) return Scan::kMore;
    if (const Scan found = structural(*at++); found != Scan::kMore) return found;
  } while (!in_string_);
  return Scan::kMore;
}

// One byte at scanned_ that means something outside strings; passed over unless there is no value.
JsonFramer::Scan JsonFramer::structural(char byte) noexcept {
  switch (byte) {
    case '"':
    case '{':
    case '[':
      if (!may_begin_) return stray_value();
      line_start_ = false;
      if (byte == '"') {
        in_string_ = true;
        break;
      }
      if (depth_ == kMaxDepth) return no_value(Scan::kLost, "JSON nested deeper than 1024 values");
      ++depth_;
      break;
    case '}':
    case ']':
      may_begin_ = line_start_ = false;
      if (--depth_ != 0) break;
      ++scanned_;
      return Scan::kEnd;
    case '\n': line_start_ = has_lf_ = true; break;
    case kRecordSeparator: return no_value(Scan::kResume, "record separator inside a JSON value");
    default:  // comma or colon
      may_begin_ = true;
      line_start_ = false;
  }
  ++scanned_;
  return Scan::kMore;
}

JsonFramer::Scan JsonFramer::stray_value() noexcept {
  return no_value(line_start_ ? Scan::kResume : Scan::kLost,
                  "JSON values without a comma between them");
}

JsonFramer::Scan JsonFramer::no_value(Scan how, const char* why) noexcept {
  why_ = {why, scanned_};
  return how;
}

// ---- numbers and words

FrameResult JsonFramer::in_scalar(std::string_view input) noexcept {
  const std::string_view seen = window(input, 1);
  const char* const end = seen.data() + seen.size();
  const char* const at = std::find_if(seen.data() + scanned_, end, ends_scalar);
  scanned_ = static_cast<std::size_t>(at - seen.data());
  if (at != end) return whole(input);
  return unfinished(input);
}

// ---- what has no end of its own

FrameResult JsonFramer::in_broken(std::string_view input) noexcept {
  const std::string_view seen = window(input, 1);
  const char* const lf = scanned_ < seen.size()
                             ? find_byte(seen.data() + scanned_, seen.size() - scanned_, '\n')
                             : nullptr;
  if (lf == nullptr) {
    scanned_ = seen.size();
    if (passing_ == Passing::kNothing) {
      if (scanned_ <= max_) return {};
      passing_ = Passing::kRejected;
      scanned_ -= max_;
      return {.status = FrameStatus::kRejected,
              .consumed = max_,
              .frame = input.substr(0, max_),
              .why = why_.why,
              .why_at = why_.at};
    }
    return unfinished(input);
  }
  scanned_ = static_cast<std::size_t>(lf - seen.data());
  return rejected(input);
}

FrameResult JsonFramer::refuse(std::string_view input, const FrameResult& found,
                               const Problem& why) noexcept {
  if (begins_closed_value(found.frame.front())) {
    FrameResult result = found;
    result.status = FrameStatus::kRejected;
    result.line = false;
    result.why = why.why;
    result.why_at = why.at;
    return result;
  }
  mode_ = Mode::kBroken;
  why_ = why;
  scanned_ = found.frame.size();
  return in_broken(input);
}

// ---- results

std::string_view JsonFramer::window(std::string_view input, std::size_t extra) const noexcept {
  return passing_ == Passing::kNothing ? input.substr(0, max_ + extra) : input;
}

// All of the window is looked at, and no end in it.
FrameResult JsonFramer::unfinished(std::string_view input) noexcept {
  if (passing_ != Passing::kNothing) {
    const std::size_t bytes = scanned_;
    scanned_ = 0;
    return bytes == 0 ? FrameResult{} : passed(bytes, 0);
  }
  const std::size_t most = mode_ == Mode::kValue ? max_ : max_ + 1;
  if (scanned_ < most) return {};
  passing_ = Passing::kTruncated;
  scanned_ -= max_;
  return {.status = FrameStatus::kTruncated, .consumed = max_, .frame = input.substr(0, max_)};
}

// A value that ends at scanned_. One LF behind it is taken too, so that values of one line each lie as lines.
FrameResult JsonFramer::whole(std::string_view input) noexcept {
  const std::size_t size = scanned_;
  const Passing passing = passing_;
  const std::size_t lf = input.substr(size).starts_with('\n') ? 1 : 0;
  if (passing != Passing::kNothing) {
    const FrameResult result = size + lf == 0 ? FrameResult{} : passed(size + lf, lf);
    end_value();
    return result;
  }
  end_value();
  return {.status = FrameStatus::kFrame,
          .line = lf == 1 && !has_lf_,
          .consumed = size + lf,
          .framing = lf,
          .frame = input.substr(0, size)};
}

// What is no value ends at scanned_, where the next may begin: separators in front of it are framing.
FrameResult JsonFramer::rejected(std::string_view input) noexcept {
  const std::size_t size = scanned_;
  const std::size_t lf = input.substr(size).starts_with('\n') ? 1 : 0;
  FrameResult result;
  if (passing_ == Passing::kNothing)
    result = {.status = FrameStatus::kRejected,
              .consumed = size + lf,
              .framing = lf,
              .frame = input.substr(0, size),
              .why = why_.why,
              .why_at = why_.at};
  else if (size + lf != 0)
    result = passed(size + lf, lf);
  end_value();
  return result;
}

FrameResult JsonFramer::passed(std::size_t bytes, std::size_t framing) const noexcept {
  const bool cut = passing_ == Passing::kTruncated;
  return {.status = cut ? FrameStatus::kSkipping : FrameStatus::kDiscarding,
          .consumed = bytes,
          .framing = framing};
}

void JsonFramer::end_value() noexcept {
  mode_ = Mode::kBetween;
  passing_ = Passing::kNothing;
  scanned_ = 0;
}

TailKind JsonFramer::tail_kind() const noexcept {
  if (passing_ != Passing::kNothing) return TailKind::kRest;
  if (mode_ == Mode::kBroken) return TailKind::kRejected;
  return mode_ == Mode::kScalar ? TailKind::kEndsWithStream : TailKind::kUnfinished;
}

}  // namespace penstock
