#pragma once

#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock::syslog {

/// True where `message` begins like ArcSight's CEF or IBM's LEEF.
bool is_cef_or_leef(std::string_view message) noexcept;

/// Writes `fields` of a message in CEF (`CEF:0|vendor|product|version|id|name|severity|key=value ...`, Implementation
/// Standard revision 25) or LEEF (`LEEF:1.0|vendor|product|version|id|key=value TAB ...`, 2.0 with the delimiter of its
/// sixth part, a byte or `x09`, a tab where that is empty or missing): `format`, `format_version`, `device_vendor`,
/// `device_product`, `device_version`, `event_id`, of CEF `name` and `severity`, and the map `extension`, all texts.
///
/// A CEF value ends in front of the next blank that a key and `=` follow, and may hold blanks. `\|`, `\=` and `\\` stand
/// for the second byte, `\n` and `\r` in an extension for the controls. False, and nothing written: parts are missing.
bool write_cef_or_leef(std::string_view message, FieldWriter& fields);

}  // namespace penstock::syslog
