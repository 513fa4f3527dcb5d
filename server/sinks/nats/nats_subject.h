#pragma once

#include <cstddef>
#include <string>

namespace penstock {

/// A subject longer than this is cut: a server closes connections whose lines are over 4 KiB.
inline constexpr std::size_t kMostSubjectBytes = 512;

/// Makes one part of a subject of a value at the end of `text`: `.` would divide it, `*` and `>` are wildcards, `$` begins
/// the server's own subjects, and blanks and control bytes end it. Each becomes `_`, and so does an empty value.
void make_subject_part(std::string& text, std::size_t from);

/// Cuts it.
void limit_subject(std::string& subject);

/// Makes one line of a header's value: control bytes become blanks.
void make_header_line(std::string& value);

}  // namespace penstock
