#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/batch_writer.h"
#include "protocols/core/problem.h"

namespace penstock::forward {

/// Entries that lie back to back, each `[time, record]`, or `[[time, metadata], record]` as Fluent Bit writes since 2.1. All
/// of a message are looked at before the first becomes an event, so that a broken message gives none.
class Entries {
 public:
  explicit Entries(unsigned max_depth) noexcept : max_depth_(max_depth) {}

  /// `bytes` in whole, and nothing behind them. Markers of Fluent Bit's groups are found and passed over. `tag_bytes` go
  /// into each event's frame.
  Problem find(std::string_view bytes, std::size_t tag_bytes);
  /// One alone, `time record` without the array around them, as Message mode has it.
  Problem find_single(std::string_view bytes);

  /// Makes each found entry an event; its frame is a message of Message mode, `[tag, time, record]`.
  void add_all(std::string_view tag_value, std::string_view tag, BatchWriter& writer);
  /// The single one, of which `message`, all of its message, is the frame.
  void add_whole(std::string_view message, std::string_view tag, BatchWriter& writer);
  /// The single one, whose message has more than belongs in a frame.
  void add_single(std::string_view tag_value, std::string_view tag, std::size_t wire_bytes,
                  BatchWriter& writer);

  /// Nothing but a marker was found.
  bool empty() const noexcept { return found_.empty(); }
  /// Gives back what one large message needed.
  void trim();

 private:
  struct Place {
    std::uint32_t begin, time, record, end;
  };
  struct Parts;

  void begin(std::string_view bytes) noexcept;
  void skip_markers(BatchWriter& writer) const noexcept;
  Problem check(std::string_view time, std::string_view record, std::size_t at) const noexcept;
  Parts parts(const Place& place) const noexcept;
  void add(const Place& place, std::string_view tag, std::size_t head_bytes, std::size_t wire_bytes,
           BatchWriter& writer);
  std::size_t begin_frame(std::string_view tag_value);

  unsigned max_depth_;
  std::string_view bytes_;
  std::vector<Place> found_;
  std::size_t markers_ = 0, marker_bytes_ = 0;  // of groups
  std::string frame_;                           // being written
};

}  // namespace penstock::forward
