#pragma once

#include "protocols/core/field_writer.h"
#include "protocols/core/scanner.h"
#include "protocols/syslog/options.h"

namespace penstock::syslog {

/// `<PRI>` at the front: 0 to 191 without leading zeros (RFC 5424 section 6.2.1; rsyslog and RFC 3164 senders write no
/// other). Takes it and writes facility and severity.
Problem scan_pri(Scanner& in, FieldWriter& fields);

/// What stands behind the header is the message, less what only ends it: one LF, or CR and LF, that an octet count included
/// (syslog-ng), and NUL bytes (Python, Perl).
std::string_view message_of(std::string_view rest) noexcept;

/// Writes the message, unless it is empty, and what `payload` makes of it.
void write_message(std::string_view message, SyslogOptions::Payload payload, FieldWriter& fields);

}  // namespace penstock::syslog
