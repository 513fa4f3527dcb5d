#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace penstock::forward {

/// The payload of a `value` that is a text or bytes, and whole; of any other nothing.
std::string_view text_of(std::string_view value) noexcept;

/// Takes the value at the front of `rest`, which is whole and legal.
std::string_view take_value(std::string_view& rest) noexcept;

/// Appends a text of at most 65535 bytes, in its shortest form.
void append_text(std::string& out, std::string_view text);

/// Appends bytes of at most 2^32 - 1, in their shortest form.
void append_bytes(std::string& out, std::string_view bytes);

}  // namespace penstock::forward
