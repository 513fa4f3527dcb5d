#include "protocols/graphite/pickle.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>

#include "protocols/core/decimal.h"
#include "protocols/graphite/pickle_text.h"

namespace penstock::graphite {
namespace {

using Kind = PickleValue::Kind;

// The names are CPython's.
constexpr char kProto = '\x80', kFrame = '\x95', kStop = '.', kMarkOpcode = '(', kPop = '0',
               kPopMark = '1', kNoneOpcode = 'N', kNewTrue = '\x88', kNewFalse = '\x89', kInt = 'I',
               kLong = 'L', kBinInt = 'J', kBinInt1 = 'K', kBinInt2 = 'M', kLong1 = '\x8a',
               kLong4 = '\x8b', kFloat = 'F', kBinFloat = 'G', kString = 'S', kBinString = 'T',
               kShortBinString = 'U', kUnicode = 'V', kBinUnicode = 'X', kShortBinUnicode = '\x8c',
               kBinUnicode8 = '\x8d', kBinBytes = 'B', kShortBinBytes = 'C', kEmptyList = ']',
               kList = 'l', kAppend = 'a', kAppends = 'e', kEmptyTuple = ')', kTuple = 't',
               kTuple1 = '\x85', kTuple2 = '\x86', kTuple3 = '\x87', kPut = 'p', kBinPut = 'q',
               kLongBinPut = 'r', kMemoize = '\x94', kGet = 'g', kBinGet = 'h', kLongBinGet = 'j';

constexpr unsigned kHighestProtocol = 5;
constexpr std::size_t kKeptValues = 4096;  // more is given back

/// An unsigned integer of `bytes` bytes (1 to 8), little endian.
bool take_little(Scanner& in, unsigned bytes, std::uint64_t& value) noexcept {
  const std::string_view rest = in.rest();
  if (rest.size() < bytes) return false;
  value = 0;
  for (unsigned at = bytes; at-- > 0;) value = value << 8 | static_cast<unsigned char>(rest[at]);
  in.skip(bytes);
  return true;
}

/// Up to the LF, which is taken too.
bool take_line(Scanner& in, std::string_view& line) noexcept {
  line = in.until('\n');
  return in.take('\n');
}

bool parse_integer(std::string_view digits, std::int64_t& value) noexcept {
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return error == std::errc() && end == digits.data() + digits.size();
}

PickleValue of_kind(Kind kind) noexcept {
  PickleValue value;
  value.kind = kind;
  return value;
}

PickleValue sequence(Kind kind) noexcept {
  PickleValue value = of_kind(kind);
  value.items = {PickleValue::kNoItem, PickleValue::kNoItem};
  return value;
}

PickleValue real(double number) noexcept {
  PickleValue value = of_kind(Kind::kReal);
  value.real = number;
  return value;
}

PickleValue unsigned_integer(std::uint64_t number) noexcept {
  PickleValue value = of_kind(Kind::kUnsigned);
  value.unsigned_integer = number;
  return value;
}

/// Of a LONG's bytes, little endian: of a negative one the complement is summed up, so that nothing cancels out.
double real_of_long(std::string_view bytes) noexcept {
  const bool negative = (static_cast<unsigned char>(bytes.back()) & 0x80) != 0;
  double sum = 0;
  for (std::size_t at = bytes.size(); at-- > 0;) {
    const auto byte = static_cast<unsigned char>(bytes[at]);
    sum = sum * 256 + (negative ? 255 - byte : byte);
  }
  return negative ? -sum - 1 : sum;
}

/// float.__repr__ in text: `1.5`, `1e+16`, `nan`, `-inf`.
bool parse_float(std::string_view text, double& value) noexcept {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size();
}

constexpr const char* kCutOff = "the pickle ends in the middle";
constexpr const char* kTooMany = "too many values in one pickle";
constexpr const char* kEmptyStack = "an opcode finds nothing on the stack to take";

}  // namespace

Problem PickleReader::read(std::string_view pickle) {
  values_.clear();
  links_.clear();
  stack_.clear();
  memo_.clear();
  decoded_.clear();
  next_memo_ = 0;
  Scanner in(pickle);
  while (!in.done()) {
    opcode_at_ = in.at();
    if (in.take(kStop)) {
      if (!in.done()) return in.problem("more behind the end of the pickle");
      if (stack_.size() == 1 && top().kind != Kind::kMark) return {};
      return {"not one value at the end of the pickle", opcode_at_};
    }
    if (const Problem problem = step(in)) return problem;
  }
  return {kCutOff, pickle.size()};
}

void PickleReader::release() {
  if (values_.capacity() > kKeptValues) values_ = {};
  if (links_.capacity() > kKeptValues) links_ = {};
  if (stack_.capacity() > kKeptValues) stack_ = {};
  if (memo_.capacity() > kKeptValues) memo_ = {};
  if (!decoded_.empty()) decoded_ = {};
}

// One case an opcode; those that need more than a line or two have a function.
Problem PickleReader::step(Scanner& in) {
  const char opcode = in.peek();
  in.skip(1);
  std::uint64_t bits = 0;
  std::string_view line;
  switch (opcode) {
    case kProto:
      if (!take_little(in, 1, bits)) break;
      return bits <= kHighestProtocol ? Problem{} : Problem{"a protocol above 5", opcode_at_};
    case kFrame:
      if (!take_little(in, 8, bits)) break;
      return {};  // its bytes are here already
    case kNoneOpcode: return push(of_kind(Kind::kNone));
    case kNewTrue: return push(of_kind(Kind::kTrue));
    case kNewFalse: return push(of_kind(Kind::kFalse));
    case kBinInt1:
      if (!take_little(in, 1, bits)) break;
      return push_integer(static_cast<std::int64_t>(bits));
    case kBinInt2:
      if (!take_little(in, 2, bits)) break;
      return push_integer(static_cast<std::int64_t>(bits));
    case kBinInt:
      if (!take_little(in, 4, bits)) break;
      return push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(bits)));
    case kLong1: return push_long(in, 1);
    case kLong4: return push_long(in, 4);
    case kInt:
    case kLong: {
      if (!take_line(in, line)) break;
      if (opcode == kInt && (line == "00" || line == "01"))
        return push(of_kind(line == "01" ? Kind::kTrue : Kind::kFalse));
      if (opcode == kLong && line.ends_with('L')) line.remove_suffix(1);
      return push_decimal(line);
    }
    case kFloat: {
      if (!take_line(in, line)) break;
      double number = 0;
      if (!parse_float(line, number)) return {"no number", opcode_at_};
      return push(real(number));
    }
    case kBinFloat:
      if (!take_little(in, 8, bits)) break;
      return push(real(std::bit_cast<double>(__builtin_bswap64(bits))));
    default: return step_text(in, opcode);
  }
  return {kCutOff, in.frame().size()};
}

Problem PickleReader::step_text(Scanner& in, char opcode) {
  switch (opcode) {
    case kString:
    case kUnicode: {
      std::string_view line;
      if (!take_line(in, line)) return {kCutOff, in.frame().size()};
      return opcode == kString ? push_quoted_text(line) : push_raw_unicode(line);
    }
    case kShortBinString:
    case kShortBinUnicode:
    case kShortBinBytes: return push_counted_text(in, 1);
    case kBinString:
    case kBinUnicode:
    case kBinBytes: return push_counted_text(in, 4);
    case kBinUnicode8: return push_counted_text(in, 8);
    case kPut:
    case kBinPut:
    case kLongBinPut:
    case kMemoize:
    case kGet:
    case kBinGet:
    case kLongBinGet: return step_memo(in, opcode);
    default: return step_sequence(opcode);
  }
}

Problem PickleReader::step_sequence(char opcode) {
  std::size_t count = 0;
  switch (opcode) {
    case kMarkOpcode: return push(of_kind(Kind::kMark));
    case kEmptyList: return push(sequence(Kind::kList));
    case kEmptyTuple: return push(sequence(Kind::kTuple));
    case kTuple1: return push_tuple(1);
    case kTuple2: return push_tuple(2);
    case kTuple3: return push_tuple(3);
    case kAppend: return append(1);
    case kPop:
      if (stack_.empty()) return {kEmptyStack, opcode_at_};
      stack_.pop_back();
      return {};
    case kTuple:
    case kList:
    case kAppends:
    case kPopMark: break;
    default: return {"an opcode that plain data does not need", opcode_at_};
  }
  if (!count_to_mark(count)) return {"no mark on the stack", opcode_at_};
  stack_.erase(stack_.end() - static_cast<std::ptrdiff_t>(count) - 1);  // the mark
  if (opcode == kAppends) return append(count);
  if (opcode == kPopMark) {
    stack_.resize(stack_.size() - count);
    return {};
  }
  if (const Problem problem = push_tuple(count)) return problem;
  if (opcode == kList) values_[stack_.back()].kind = Kind::kList;
  return {};
}

Problem PickleReader::step_memo(Scanner& in, char opcode) {
  std::uint64_t place = next_memo_;
  if (opcode == kPut || opcode == kGet) {
    std::string_view line;
    if (!take_line(in, line)) return {kCutOff, in.frame().size()};
    std::int64_t number = 0;
    if (!parse_integer(line, number) || number < 0) return {"no place in the memo", opcode_at_};
    place = static_cast<std::uint64_t>(number);
  } else if (opcode != kMemoize) {
    const unsigned bytes = opcode == kBinPut || opcode == kBinGet ? 1 : 4;
    if (!take_little(in, bytes, place)) return {kCutOff, in.frame().size()};
  }
  const bool reads = opcode == kGet || opcode == kBinGet || opcode == kLongBinGet;
  return reads ? get(place) : put(place);
}

Problem PickleReader::push(const PickleValue& value) {
  if (values_.size() == kMostValues || stack_.size() == kMostItems) return {kTooMany, opcode_at_};
  stack_.push_back(static_cast<std::uint32_t>(values_.size()));
  values_.push_back(value);
  return {};
}

Problem PickleReader::push_integer(std::int64_t number) {
  PickleValue value = of_kind(Kind::kInteger);
  value.integer = number;
  return push(value);
}

/// An integer in text.
Problem PickleReader::push_decimal(std::string_view digits) {
  Decimal number;
  if (digits.find_first_of(".eE") != std::string_view::npos || !parse_decimal(digits, number))
    return {"no integer that a double holds", opcode_at_};
  if (number.kind == Decimal::Kind::kInteger) return push_integer(number.integer);
  return push(number.kind == Decimal::Kind::kReal ? real(number.real)
                                                  : unsigned_integer(number.unsigned_integer));
}

/// Two's complement, little endian. What 64 bits do not hold becomes a double, infinite at the worst.
Problem PickleReader::push_long(Scanner& in, unsigned length_bytes) {
  std::uint64_t size = 0, bits = 0;
  if (!take_little(in, length_bytes, size) || size > in.rest().size())
    return {kCutOff, in.frame().size()};
  const std::string_view bytes = in.rest().substr(0, size);
  const bool one_above = size == 9 && bytes.back() == '\0';
  if (size > sizeof bits && !one_above) {
    in.skip(size);
    return push(real(real_of_long(bytes)));
  }
  const auto used = static_cast<unsigned>(std::min<std::uint64_t>(size, sizeof bits));
  take_little(in, used, bits);
  in.skip(size - used);
  if (one_above) return push(unsigned_integer(bits));
  if (size == 0) return push_integer(0);
  const auto unused = static_cast<unsigned>(64 - 8 * size);
  return push_integer(static_cast<std::int64_t>(bits << unused) >> unused);
}

Problem PickleReader::push_text(std::string_view text) {
  PickleValue value = of_kind(Kind::kText);
  value.text = text.data();
  value.size = static_cast<std::uint32_t>(text.size());
  return push(value);
}

Problem PickleReader::push_counted_text(Scanner& in, unsigned length_bytes) {
  std::uint64_t size = 0;
  if (!take_little(in, length_bytes, size) || size > in.rest().size())
    return {kCutOff, in.frame().size()};
  const std::string_view text = in.rest().substr(0, size);
  in.skip(size);
  return push_text(text);
}

/// A Python literal in quotes of either kind.
Problem PickleReader::push_quoted_text(std::string_view line) {
  const bool quoted = line.size() >= 2 && line.front() == line.back() &&
                      (line.front() == '\'' || line.front() == '"');
  if (!quoted) return {"a text without quotes", opcode_at_};
  line = line.substr(1, line.size() - 2);
  if (line.find('\\') == std::string_view::npos) return push_text(line);
  std::string text;
  if (!decode_repr(line, text)) return {"a text with an unknown escape", opcode_at_};
  return push_decoded(std::move(text));
}

Problem PickleReader::push_raw_unicode(std::string_view line) {
  const auto is_plain = [](char c) { return static_cast<unsigned char>(c) < 0x80 && c != '\\'; };
  if (std::ranges::all_of(line, is_plain)) return push_text(line);
  std::string text;
  if (!decode_raw_unicode(line, text)) return {"a text with an escape that is none", opcode_at_};
  return push_decoded(std::move(text));
}

Problem PickleReader::push_decoded(std::string text) {
  return push_text(decoded_.emplace_back(std::move(text)));
}

bool PickleReader::count_to_mark(std::size_t& count) const noexcept {
  for (count = 0; count < stack_.size(); ++count) {
    if (values_[stack_[stack_.size() - 1 - count]].kind == Kind::kMark) return true;
  }
  return false;
}

/// One of the last `count` values is a mark, which is no item.
bool PickleReader::holds_mark(std::size_t count) const noexcept {
  return std::any_of(stack_.end() - static_cast<std::ptrdiff_t>(count), stack_.end(),
                     [&](std::uint32_t at) { return values_[at].kind == Kind::kMark; });
}

/// The last `count` values of the stack, which stay there, behind what the sequence has.
Problem PickleReader::add_items(PickleValue& sequence, std::size_t count) {
  if (count > kMostItems - links_.size()) return {kTooMany, opcode_at_};
  for (std::size_t at = stack_.size() - count; at < stack_.size(); ++at) {
    const auto link = static_cast<std::uint32_t>(links_.size());
    links_.push_back({stack_[at], PickleValue::kNoItem});
    if (sequence.items.first == PickleValue::kNoItem)
      sequence.items.first = link;
    else
      links_[sequence.items.last].next = link;
    sequence.items.last = link;
    ++sequence.size;
  }
  return {};
}

Problem PickleReader::push_tuple(std::size_t count) {
  if (stack_.size() < count || holds_mark(count)) return {kEmptyStack, opcode_at_};
  PickleValue tuple = sequence(Kind::kTuple);
  if (const Problem problem = add_items(tuple, count)) return problem;
  stack_.resize(stack_.size() - count);
  return push(tuple);
}

Problem PickleReader::append(std::size_t count) {
  if (stack_.size() < count + 1 || holds_mark(count)) return {kEmptyStack, opcode_at_};
  PickleValue& list = values_[stack_[stack_.size() - 1 - count]];
  if (list.kind != Kind::kList) return {"no list to append to", opcode_at_};
  if (const Problem problem = add_items(list, count)) return problem;
  stack_.resize(stack_.size() - count);
  return {};
}

Problem PickleReader::put(std::uint64_t place) {
  if (place >= kMostMemo) return {"a place in the memo beyond its limit", opcode_at_};
  if (stack_.empty() || top().kind == Kind::kMark) return {kEmptyStack, opcode_at_};
  if (memo_.size() <= place) memo_.resize(place + 1, PickleValue::kNoItem);
  if (memo_[place] == PickleValue::kNoItem) ++next_memo_;
  memo_[place] = stack_.back();
  return {};
}

Problem PickleReader::get(std::uint64_t place) {
  if (place >= memo_.size() || memo_[place] == PickleValue::kNoItem)
    return {"nothing at that place of the memo", opcode_at_};
  if (stack_.size() == kMostItems) return {kTooMany, opcode_at_};
  stack_.push_back(memo_[place]);
  return {};
}

}  // namespace penstock::graphite
