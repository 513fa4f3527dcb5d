#pragma once

#include <string>
#include <string_view>

/// How bytes of unknown origin become part of a log line. Dangerous are: control bytes, DEL, the C1 controls (a terminal
/// may obey U+009B), line separators and bidirectional overrides, and whatever is not UTF-8 (RFC 3629: no surrogates, no
/// overlong forms). Everything else is kept as it is. Any thread.
namespace penstock::log {

/// Appends `text` with dangerous bytes as \n, \t, \r or \xHH; quotes and backslashes stay.
void append_plain(std::string& line, std::string_view text);

/// Appends `text` as it is where that is unmistakable (no blank, quote, `=` or dangerous byte, not empty), else in double
/// quotes with quotes and backslashes escaped as well.
void append_value(std::string& line, std::string_view text);

/// Appends a JSON string (RFC 8259), quotes included: always valid, whatever the bytes. Bytes that are not UTF-8 become
/// the four characters \xHH.
void append_json_string(std::string& line, std::string_view text);

/// `text` is a number by RFC 8259 section 6 (so not "nan", "inf", "1,5" or "007").
bool is_json_number(std::string_view text) noexcept;

}  // namespace penstock::log
