#pragma once

#include <string>
#include <vector>

#include "server/config/config.h"
#include "server/pipeline/ledger.h"

namespace penstock {

/// The `penstock send` that gives records of a leftover file back to their listener byte for byte, fit for a shell: to
/// its first stream URL where it has one, with the framing that no record of that listener can break.
///
/// - octet_counted and syslog_auto: octet counts, which keep all bytes (frame_padding of the command adds what the
///   listener takes off).
/// - newline: CRLF. The listener takes one CR and the LF off, so a record that ends in CR stays whole; it holds no LF.
/// - nul: NUL. delimiter: the listener's.
/// - length_prefixed, varint: the listener's, with zeros for what stands in front of the length.
/// - fixed, json: as the listener takes them; a record of another length, or that is no JSON (a truncated one), cannot
///   be carried, and the command says so. none: where more than one record
///   comes on a connection the command says so.
/// - Without a stream the same delimiters, of which one at a message's end is framing (take_datagram), so that records
///   that end in one stay whole.
///
/// `only_its_own` leaves out the entries of other listeners. Where a URL has port 0 the word `URL` stands for it.
std::string replay_command(const config::Listener& listener, const std::string& leftover,
                           bool only_its_own);

/// Listeners with entries among the `entries` of the leftover file, in the config's order. Records are known by their
/// routes; where there are more entries than records, listeners that refused frames may have some too.
std::vector<const config::Listener*> listeners_left_over(const config::Config& config,
                                                         const LedgerSnapshot& snapshot,
                                                         std::uint64_t entries);

}  // namespace penstock
