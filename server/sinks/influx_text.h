#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/event.h"

/// The texts of a line of InfluxDB's line protocol, each so that a reader takes it. See InfluxEncoder. Pure.
namespace penstock::influx {

inline constexpr std::string_view kMeasurementSpecial = ", ";
inline constexpr std::string_view kKeySpecial = ",= ";

/// No text becomes longer than this, whatever it is.
constexpr std::size_t most_text_bytes(std::size_t bytes) noexcept { return 3 * bytes; }

/// What can be written of a measurement, a key or a tag's value: a backslash at its end would escape the delimiter behind
/// it, and nothing escapes a backslash there. Nothing else of it is left out.
std::string_view writable(std::string_view name) noexcept;

/// Of a writable() name; bytes of `special` get a backslash in front, controls and what is no UTF-8 are replaced.
void append_name(std::string& out, std::string_view name, std::string_view special);

/// In quotes.
void append_text(std::string& out, std::string_view text);

/// Writes a point's tags one behind the other. Those with nothing to write of their name or value are left out, and so are
/// those with the same key as a later one: readers refuse a line with both.
class Tags {
 public:
  explicit Tags(std::string& out) noexcept : out_(out), begin_(out.size()) {}

  void append(std::string_view name, const FieldValue& value);
  /// Behind the last one.
  void finish();

 private:
  /// `,key` and `=value` in out_.
  struct Tag {
    std::size_t begin = 0, key_end = 0, end = 0;
    bool overwritten = false;
  };

  std::string_view key(const Tag& tag) const noexcept {
    return std::string_view(out_).substr(tag.begin, tag.key_end - tag.begin);
  }
  bool find_overwritten();

  std::string& out_;
  const std::size_t begin_;
  std::vector<Tag> tags_;
};

}  // namespace penstock::influx
