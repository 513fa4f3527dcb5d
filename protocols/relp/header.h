#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace penstock::relp {

/// The front of a RELP frame, `TXNR SP COMMAND SP DATALEN [SP]`: what stands in front of the data, or of the LF where there
/// are none.
struct Header {
  enum class Status : std::uint8_t { kWhole, kNeedMore, kMalformed };

  Status status = Status::kNeedMore;
  std::uint32_t txnr = 0;        ///< 1 to kMaxTxnr; behind that one 1 comes again
  std::string_view command;      ///< inside the input
  std::size_t data_bytes = 0;    ///< at most kMaxDataBytes
  std::size_t header_bytes = 0;  ///< kWhole
  const char* why = "";          ///< kMalformed: a plain reason, static storage
  std::size_t at = 0;            ///< ... and its byte
};

inline constexpr std::uint32_t kMaxTxnr = 999'999'999;
inline constexpr std::size_t kMaxDataBytes = 999'999'999;
inline constexpr std::size_t kMaxCommandBytes = 32;
/// The longest header.
inline constexpr std::size_t kMaxHeaderBytes = 9 + 1 + kMaxCommandBytes + 1 + 9 + 1;

/// librelp's relp.html, "Syntax". A blank between a length of 0 and the LF is taken as well.
Header parse_header(std::string_view input) noexcept;

}  // namespace penstock::relp
