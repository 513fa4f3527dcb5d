#pragma once

#include <string>

#include "server/sinks/encoder.h"

namespace penstock {

/// An encoding that writes record by record. What it cannot express it writes nothing for, nor what may become longer than
/// longest_text(); encodes() says so beforehand. The sink's thread only.
class TextEncoder : public Encoder {
 public:
  bool keeps_lines() const noexcept final { return false; }
  bool encodes_all() const noexcept final { return false; }
  bool encodes(const Batch& batch, std::size_t frame) const final;
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const final;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const final;

  /// Bytes that a record of `frame_bytes` bytes may become: enough for any record each byte of which becomes four, as
  /// syslog's `#ooo` does, or that comes as 64 KiB and in which thousands of numbers share a name and tags of usual length.
  /// What repeats long tags as often grows with the square of what was sent, 64 KiB to 512 MiB: that is not written.
  static constexpr std::size_t longest_text(std::size_t frame_bytes) noexcept {
    return (std::size_t{16} << 20) + 4 * frame_bytes;
  }

 protected:
  /// No fewer bytes than write() appends, found without writing; 0 where frame `frame` has no form.
  virtual std::size_t most_bytes(const Batch& batch, std::size_t frame) const = 0;

  /// Appends frame `frame`, which encodes() takes, its LF included.
  virtual void write(const Batch& batch, const Segment& segment, std::size_t frame,
                     std::string& out) const = 0;

 private:
  void shrink() const;

  mutable std::string line_;  // larger than an EncodeBuffer's usual size only within a call
};

/// Appends a number in the shortest decimal form that gives it back; NaN and infinities as `nan`, `inf`, `-inf`.
void append_number(std::string& out, double value);
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, std::uint64_t value);

/// No number of 64 bits has more bytes.
inline constexpr std::size_t kMostNumberBytes = 24;

/// The number that a field holds, as text; false where it holds none.
bool append_numeric(std::string& out, const FieldValue& value);

/// `text` itself, or where it is no UTF-8 `memory`, in which U+FFFD stands for what is none.
std::string_view as_utf8(std::string_view text, std::string& memory);

}  // namespace penstock
