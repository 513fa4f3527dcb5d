#pragma once

#include <cstddef>
#include <string_view>

#include "protocols/core/event.h"

namespace penstock {

/// Reads `text` as one JSON number (RFC 8259 section 6), all of it. An integer of 64 bits becomes kInt64, or kUint64 where
/// it is above that; a number with a fraction or an exponent becomes kDouble where that, written with as few digits as
/// tell it from its neighbours, is the same number again. Everything else (`12345678901234567890123`, `1e400`) is a
/// kNumber, of which the text is all that there is.
///
/// `value.text` is `text` in each case, as the sender wrote it.
///
/// False where it is no number, and `at` is the first byte that is wrong. No locale, no allocation.
bool read_json_number(std::string_view text, FieldValue& value, std::size_t& at) noexcept;

}  // namespace penstock
