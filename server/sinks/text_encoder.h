#pragma once

#include <string>

#include "server/sinks/encoder.h"

namespace penstock {

/// An encoding that writes record by record. What it cannot express it writes nothing for; encodes() says so beforehand.
/// The sink's thread only.
class TextEncoder : public Encoder {
 public:
  bool keeps_lines() const noexcept final { return false; }
  bool encodes_all() const noexcept final { return false; }
  std::size_t encoded_bytes(const Batch& batch, const Segment& segment,
                            std::size_t frame) const final;
  std::size_t encode(const Batch& batch, const Segment& segment, std::size_t first,
                     std::size_t last, EncodeBuffer& out) const final;

 protected:
  /// Appends frame `frame`, its LF included, or nothing.
  virtual void write(const Batch& batch, const Segment& segment, std::size_t frame,
                     std::string& out) const = 0;

 private:
  mutable std::string line_;
};

/// Appends a number in the shortest decimal form that gives it back; NaN and infinities as `nan`, `inf`, `-inf`.
void append_number(std::string& out, double value);
void append_number(std::string& out, std::int64_t value);
void append_number(std::string& out, std::uint64_t value);

/// The number that a field holds, as text; false where it holds none.
bool append_numeric(std::string& out, const FieldValue& value);

}  // namespace penstock
