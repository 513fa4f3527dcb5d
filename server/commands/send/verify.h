#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocols/core/result.h"
#include "server/commands/send/payload.h"

namespace penstock {

/// A set of numbers below `size`; one bit each.
class NumberSet {
 public:
  explicit NumberSet(std::uint64_t size) : bits_((size + 63) / 64), size_(size) {}

  std::uint64_t size() const noexcept { return size_; }
  bool has(std::uint64_t n) const noexcept { return (bits_[n / 64] >> n % 64 & 1) != 0; }
  /// True when `n` is new.
  bool add(std::uint64_t n) noexcept {
    const std::uint64_t bit = std::uint64_t{1} << n % 64;
    const bool is_new = (bits_[n / 64] & bit) == 0;
    bits_[n / 64] |= bit;
    return is_new;
  }

 private:
  std::vector<std::uint64_t> bits_;
  std::uint64_t size_;
};

/// What comparing files with a run came to.
struct VerifyResult {
  std::uint64_t lines = 0;
  std::uint64_t right = 0;    ///< different records that came byte for byte
  std::uint64_t lost = 0;     ///< expected, and neither right nor altered
  std::uint64_t doubled = 0;  ///< right lines beyond the first of their number
  std::uint64_t altered = 0;  ///< lines with a record's number and other bytes
  std::uint64_t foreign = 0;  ///< lines that are none of the run's
  std::uint64_t unexpected =
      0;  ///< right records that the report does not list as wholly sent: no fault
  std::uint64_t unterminated = 0;  ///< files whose last line lacks its LF
  std::vector<std::string>
      examples;  ///< the first few lines that are wrong, and numbers that are lost

  bool good() const noexcept { return lost + doubled + altered + foreign == 0; }
};

/// Compares lines with generated records. Takes bytes in any pieces; memory is two bits a record and the longest line.
class Verifier {
 public:
  /// Records are numbered [first, first + count).
  Verifier(PayloadTemplate payload, std::uint64_t first, std::uint64_t count);

  /// Only these numbers (less `first`) must be there; the others may be. Unset: all must.
  void expect_only(NumberSet expected) { expected_ = std::move(expected); }

  void add(std::string_view bytes);
  /// The end of a file: what is held is its last line.
  void end_file();
  VerifyResult result();

 private:
  void line(std::string_view line);
  void wrong(std::string_view what, std::string_view line);
  bool only_sequence_differs(const char* line) const noexcept;

  PayloadTemplate payload_;
  std::uint64_t first_;
  NumberSet right_;
  NumberSet altered_;
  NumberSet expected_{0};
  std::string held_;
  VerifyResult result_;
};

/// Reads a file to its end into the verifier; `-` is standard input.
Result<bool> verify_file(Verifier& verifier, const std::string& path);

}  // namespace penstock
