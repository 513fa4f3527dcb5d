#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/field_writer.h"
#include "protocols/core/problem.h"
#include "protocols/syslog/options.h"

namespace penstock::syslog {

/// A message of RFC 5424 section 6, `<PRI>1 TIMESTAMP HOST APP PROCID MSGID SD [MSG]`, as fields in that order; what is
/// nil (`-`) is left out. A byte order mark in front of the text is taken off.
///
/// Taken as well, for senders write so: names longer than the RFC's maxima, more than six digits of fraction, a comma in
/// front of it, `+0200` or no zone (it is that of the options), a leap second, a message right behind the structured data,
/// a control byte in a name, `\` in front of another byte than `"`, `\` and `]` (it stands for itself). A parameter that an
/// element has several times becomes an array of its values (section 6.3.3 allows it), and elements of one name become one
/// with the parameters of all.
Problem parse_rfc5424(std::string_view frame, const SyslogOptions& options,
                      std::int64_t received_ns, FieldWriter& fields);

/// Elements and parameters of one message together.
inline constexpr std::size_t kMostParams = 1024;

/// True where a message can only be of RFC 5424: behind the priority version 1 and what begins as a time or is `-`, or any
/// other version and a date.
bool looks_like_rfc5424(std::string_view frame) noexcept;

}  // namespace penstock::syslog
