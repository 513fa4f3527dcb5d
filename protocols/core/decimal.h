#pragma once

#include <cstdint>
#include <string_view>

#include "protocols/core/field_writer.h"

namespace penstock {

/// A finite number as a sender writes it in decimal digits.
struct Decimal {
  enum class Kind : std::uint8_t {
    kReal,
    kInteger,  ///< written without point and exponent, and int64 holds it
    kUnsigned  ///< the same, and uint64 does
  };
  Kind kind = Kind::kReal;
  union {
    double real = 0;
    std::int64_t integer;
    std::uint64_t unsigned_integer;
  };

  double as_real() const noexcept {
    if (kind == Kind::kReal) return real;
    return kind == Kind::kInteger ? static_cast<double>(integer)
                                  : static_cast<double>(unsigned_integer);
  }
};

/// All of `text`: a sign or none, digits with at most one point among or beside them, an exponent or none: `1`, `-2.50`,
/// `+.5`, `7.`, `1e-3`. An integer that neither int64 nor uint64 holds becomes a double. False for anything else: no digit,
/// blanks, NaN, infinity, hexadecimal, or beyond a double's range. Never allocates.
bool parse_decimal(std::string_view text, Decimal& value) noexcept;

/// Seconds since 1970 UTC, digits with a fraction or none (`1700000000.25`), as nanoseconds: nine digits of fraction count,
/// more are passed over. False for anything else, and where 64 bits do not hold it (beyond 2262).
bool parse_epoch_seconds(std::string_view text, std::int64_t& ns) noexcept;

/// As an integer, an unsigned one or a double, whichever it is.
inline void write_decimal(FieldWriter& fields, FieldName name, const Decimal& value) {
  switch (value.kind) {
    case Decimal::Kind::kInteger: return fields.integer(name, value.integer);
    case Decimal::Kind::kUnsigned: return fields.unsigned_integer(name, value.unsigned_integer);
    case Decimal::Kind::kReal: return fields.real(name, value.real);
  }
}

}  // namespace penstock
