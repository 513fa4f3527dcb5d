#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/problem.h"
#include "protocols/core/scanner.h"

/// Python's pickles, protocols 0 to 5 (PEP 3154, PEP 574 and the comments of CPython's Lib/pickletools.py), as far as plain
/// data goes: None, truth values, numbers, texts, lists and tuples. No opcode that names, calls or builds anything is
/// known here (GLOBAL, REDUCE, BUILD, INST, OBJ, NEWOBJ, EXT, PERSID and all others are a problem), so nothing that a
/// pickle says is ever executed. Pure.
namespace penstock::graphite {

/// A value of a pickle; texts are views into it, or into what its reader has decoded.
struct PickleValue {
  enum class Kind : std::uint8_t {
    kMark,
    kNone,
    kFalse,
    kTrue,
    kInteger,
    kUnsigned,  ///< an integer that int64 does not hold, and uint64 does
    kReal,      ///< one beyond both, too
    kText,
    kList,
    kTuple
  };
  static constexpr std::uint32_t kNoItem = UINT32_MAX;

  /// Where PickleReader has the first and the last item; kNoItem where there is none.
  struct Items {
    std::uint32_t first, last;
  };

  Kind kind = Kind::kNone;
  std::uint32_t size = 0;  ///< bytes of kText, items of kList and kTuple
  union {
    std::int64_t integer = 0;
    std::uint64_t unsigned_integer;
    double real;
    const char* text;
    Items items;
  };

  std::string_view view() const noexcept { return {text, size}; }
  bool is_sequence() const noexcept { return kind == Kind::kList || kind == Kind::kTuple; }
};

/// Reads one pickle after another. Memory is bounded by kMostValues, kMostItems and kMostMemo, whatever the pickle
/// says; no call goes deeper for a value that nests. A list may hold itself: who walks it must not follow it without end.
class PickleReader {
 public:
  static constexpr std::size_t kMostValues = std::size_t{1}
                                             << 18;  ///< made by one pickle, 16 bytes each
  static constexpr std::size_t kMostItems =
      std::size_t{1} << 18;  ///< on the stack, and in all sequences, 8 bytes each
  static constexpr std::size_t kMostMemo = std::size_t{1}
                                           << 17;  ///< highest place in the memo, 4 bytes each

  /// All of `pickle`, STOP is its last byte. Problem: an opcode that plain data does not need, an end in the middle, a
  /// stack that does not hold what an opcode takes, a number or text of protocol 0 that is none, a limit. `pickle` must
  /// outlive the use of what was read.
  Problem read(std::string_view pickle);

  /// What the pickle is of. Only behind a read without a problem.
  const PickleValue& top() const noexcept { return values_[stack_.back()]; }

  /// Walks a list or tuple: calls `use(const PickleValue&)` for each item while it gives true.
  template <class Use>
  bool for_each(const PickleValue& sequence, Use&& use) const {
    for (std::uint32_t at = sequence.items.first; at != PickleValue::kNoItem;
         at = links_[at].next) {
      if (!use(values_[links_[at].value])) return false;
    }
    return true;
  }

  /// Gives memory back that a large pickle has left.
  void release();

 private:
  /// An item of a sequence.
  struct Link {
    std::uint32_t value, next;
  };

  Problem step(Scanner& in);
  Problem step_text(Scanner& in, char opcode);
  Problem step_sequence(char opcode);
  Problem step_memo(Scanner& in, char opcode);

  Problem push(const PickleValue& value);
  Problem push_integer(std::int64_t value);
  Problem push_decimal(std::string_view digits);
  Problem push_long(Scanner& in, unsigned length_bytes);
  Problem push_text(std::string_view text);
  Problem push_counted_text(Scanner& in, unsigned length_bytes);
  Problem push_quoted_text(std::string_view line);
  Problem push_raw_unicode(std::string_view line);
  Problem push_decoded(std::string text);
  Problem push_tuple(std::size_t count);
  Problem append(std::size_t count);
  Problem put(std::uint64_t place);
  Problem get(std::uint64_t place);
  Problem add_items(PickleValue& sequence, std::size_t count);
  bool count_to_mark(std::size_t& count) const noexcept;
  bool holds_mark(std::size_t count) const noexcept;

  std::vector<PickleValue> values_;
  std::vector<Link> links_;
  std::vector<std::uint32_t> stack_;  // places in values_
  std::vector<std::uint32_t> memo_;   // likewise; kNoItem: nothing put there
  std::deque<std::string> decoded_;   // texts that have escapes in the pickle
  std::size_t next_memo_ = 0;         // MEMOIZE counts what is there
  std::size_t opcode_at_ = 0;
};

}  // namespace penstock::graphite
