#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "protocols/core/frame.h"

namespace penstock {

/// Finds the ends of JSON values that follow each other in a stream: back to back, or with white space or the record
/// separator of RFC 7464 (0x1E) between them. Objects, arrays, strings, numbers and words; a UTF-8 byte order mark at
/// the beginning of the stream is passed over. A frame is the exact bytes of one value; it may hold LF (pretty-printed).
///
/// Only ends are found, by brackets (either kind counts alike) and quotes; whether what lies between is JSON is for a
/// parser to say (protocols/json/problem.h), and refuse() takes its answer. A number or word ends at white space, a
/// control character or the beginning of a value; the end of the stream ends it too.
///
/// Of what can have no end the framer says so itself, as kRejected, and goes on in a new place:
/// - at a LF or record separator inside a string, and at a record separator inside any value: there;
/// - where a value follows another inside brackets without a comma, as behind a value that was cut off: there, if it is
///   the first in its line;
/// - at the next LF otherwise: a byte with which no value begins, or nesting deeper than kMaxDepth.
///
/// A value may have `max_frame_bytes` bytes. A longer one is kTruncated as soon as that is certain, then kSkipping to its
/// own end, by the same rules. The input never needs to hold more than max_frame_bytes + kExtraBytes. A byte is looked
/// at once, and once more where an unfinished number, or a place to go on at, is met again.
class JsonFramer {
 public:
  static constexpr std::size_t kExtraBytes = 2;  ///< what follows a number; a begun byte order mark
  static constexpr std::uint16_t kMaxDepth = 1024;

  /// `max_frame_bytes`: 1 to kMaxFrameBytes.
  explicit JsonFramer(std::size_t max_frame_bytes) noexcept : max_(max_frame_bytes) {}

  /// `input` starts where the last result's `consumed` ended and is never shorter than what was left then.
  FrameResult next(std::string_view input) noexcept;

  /// The frame that next(input) has just given, `found`, is no JSON: the kRejected result in its place. A value that was
  /// closed by its bracket or quote is rejected alone; a number or word with the rest of its line, for which more input
  /// may be needed.
  FrameResult refuse(std::string_view input, const FrameResult& found, const Problem& why) noexcept;

  /// How many of the unconsumed bytes have been looked at; they are not looked at again.
  std::size_t scanned() const noexcept { return scanned_; }
  /// The rest of a truncated or rejected frame is being passed over.
  bool skipping() const noexcept { return passing_ != Passing::kNothing; }

  std::size_t tail_front(std::string_view) const noexcept { return 0; }
  std::size_t tail_back(std::string_view) const noexcept { return 0; }
  TailKind tail_kind() const noexcept;

 private:
  enum class Mode : std::uint8_t {
    kStart,    // of the stream
    kBetween,  // values
    kValue,    // in brackets or quotes
    kScalar,   // in a number or word
    kBroken,   // in what has no end of its own: the next LF is looked for
  };
  enum class Passing : std::uint8_t { kNothing, kTruncated, kRejected };
  enum class Scan : std::uint8_t {
    kMore,
    kEnd,     // of the value: at scanned_
    kResume,  // no value: go on at scanned_
    kLost,    // no value: go on at the next LF
  };

  FrameResult begin_stream(std::string_view input) noexcept;
  void begin_value(char first) noexcept;
  FrameResult in_value(std::string_view input) noexcept;
  FrameResult in_scalar(std::string_view input) noexcept;
  FrameResult in_broken(std::string_view input) noexcept;
  Scan scan(std::string_view input) noexcept;
  Scan scan_string(std::string_view input) noexcept;
  Scan scan_structure(std::string_view input) noexcept;
  Scan structural(char byte) noexcept;
  Scan stray_value() noexcept;
  Scan no_value(Scan how, const char* why) noexcept;

  FrameResult whole(std::string_view input) noexcept;
  FrameResult rejected(std::string_view input) noexcept;
  FrameResult pass_rest(std::string_view input, Passing what) noexcept;
  FrameResult passed(std::size_t bytes, std::size_t framing) const noexcept;
  FrameResult unfinished(std::string_view input) noexcept;
  void end_value() noexcept;
  std::string_view window(std::string_view input, std::size_t extra) const noexcept;

  std::size_t max_;
  std::size_t scanned_ = 0;
  Problem why_;
  std::uint16_t depth_ = 0;
  Mode mode_ = Mode::kStart;
  Passing passing_ = Passing::kNothing;
  bool in_string_ = false;
  bool escaped_ = false;  // in a string, behind a backslash
  bool may_begin_ =
      false;  // a value may begin here: behind a bracket that opens, a comma or a colon
  bool line_start_ = false;  // nothing but white space, numbers and words since the last LF
  bool has_lf_ = false;      // in the value so far
};

}  // namespace penstock
