#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock {

/// A finite number as a sender writes it in decimal digits.
struct Decimal {
  bool is_integer = false;  ///< written without point and exponent, and 64 bits hold it
  std::int64_t integer = 0;
  double real = 0;  ///< set only where is_integer is false

  double as_real() const noexcept { return is_integer ? static_cast<double>(integer) : real; }
};

/// All of `text`: a sign or none, digits with at most one point among or beside them, an exponent or none: `1`, `-2.50`,
/// `+.5`, `7.`, `1e-3`. An integer of more than 64 bits becomes a double. False for anything else: no digit, blanks, NaN,
/// infinity, hexadecimal, or beyond a double's range. Never allocates.
bool parse_decimal(std::string_view text, Decimal& value) noexcept;

/// Seconds since 1970 UTC, digits with a fraction or none (`1700000000.25`), as nanoseconds: nine digits of fraction count,
/// more are passed over. False for anything else, and where 64 bits do not hold it (beyond 2262).
bool parse_epoch_seconds(std::string_view text, std::int64_t& ns) noexcept;

/// As an integer or a double, whichever it is.
inline void write_decimal(FieldWriter& fields, FieldName name, const Decimal& value) {
  if (value.is_integer)
    fields.integer(name, value.integer);
  else
    fields.real(name, value.real);
}

}  // namespace penstock
