#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/syslog/options.h"

namespace penstock::syslog {

/// A message in one of the forms that RFC 3164 describes (`<PRI>Mmm dd hh:mm:ss HOST TAG[PID]: MSG`), or that are written
/// in its name. Each part may be missing; what cannot be told is part of the message, and nothing is guessed twice:
///
/// - PRI: only one that is out of range is a problem.
/// - time: `Oct 11 22:14:15`, day ` 1`, `1` or `01`, with a year in front of the month or behind the day, or behind the
///   time where a tag follows too, with a fraction, ` UTC`, ` +02:00` or `+02:00`; RFC 3339, also with a comma in front of
///   the fraction, `+0200` or no zone, with a blank for its `T` where a host and a tag follow. A blank may stand in front.
///   One without a zone is in the zone of the options, one without a year in options.year. Something that begins like a
///   time and is none is no time.
/// - what Cisco's and Meraki's devices write, also behind a relay's time and host: see cisco.h.
/// - HOST: the first word behind a time, unless it is the tag already (Perl), or AIX's `Message forwarded from HOST:`.
/// - TAG: a word of up to 64 bytes of letters, digits and `_-./@%()+,#~`, not digits alone, with `[PID]`, ended by a colon:
///   `app` and `procid`. Cisco's `%FAC-SEV-MNEMONIC:` stays in the message.
Problem parse_rfc3164(std::string_view frame, const SyslogOptions& options,
                      std::int64_t received_ns, FieldWriter& fields);

}  // namespace penstock::syslog
