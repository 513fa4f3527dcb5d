#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocols/core/result.h"
#include "server/commands/send/generated_supply.h"
#include "server/commands/send/options.h"
#include "server/commands/send/result.h"
#include "server/commands/send/verify.h"

namespace penstock {

/// What run_send knows besides the senders' result.
struct SendSummary {
  std::optional<std::uint64_t> planned;  ///< records that were to be sent, where that is known
  bool input_left = false;               ///< the file or pipe was not read to its end
  std::uint64_t bad_lines = 0;           ///< of the input
  std::uint64_t holding_delimiter = 0;   ///< records that do not arrive as they are
};

/// Everything was handed over as it is, and every connection ended by FIN from both sides.
bool all_well(const SendResult& result, const SendSummary& summary) noexcept;

/// `sent=1000 bytes=201000 seconds=0.002 rate=500000 peer_eof=1 reset=0 ...`, LF included.
std::string summary_text(const SendResult& result, const SendSummary& summary);
/// The same as one JSON object on a line, with the URL.
std::string summary_json(const SendOptions& options, const SendResult& result,
                         const SendSummary& summary);

/// What each connection sent, for --report: the options that number the records, and
/// `{"id":0,"sent":..,"sent_at_fin":..,"first_sequence":..,"last_sequence":..,"end":"peer_eof",...}` a connection;
/// `last_sequence` is the last one wholly written, absent where there is none. Records of files have no numbers.
std::string report_json(const SendOptions& options, const Deal& deal, const SendResult& result);

/// A report read back, for --expect: how the numbers were dealt, and which were wholly written.
struct Expected {
  Deal deal;          ///< count: up to and including the highest number written
  NumberSet numbers;  ///< less deal.first
};
Result<Expected> parse_report(std::string_view json);

std::string verify_text(const VerifyResult& result);
std::string verify_json(const VerifyResult& result);

}  // namespace penstock
