#include "protocols/msgpack/fields.h"

#include <array>
#include <charconv>

#include "protocols/core/timestamp.h"
#include "protocols/msgpack/token.h"

namespace penstock::msgpack {
namespace {

constexpr std::int8_t kEventTimeType = 0, kTimestampType = -1;
constexpr std::size_t kEventTimeBytes = 8;
/// Room for any number: the longest double has 24 characters.
using KeyDigits = std::array<char, 32>;

/// Of a value that ValueScan has found whole.
[[gnu::always_inline]] inline Token token_at(std::string_view input) noexcept {
  Token token;
  (void)read_token(input, token);
  return token;
}
/// Less checking than substr(): it is within.
[[gnu::always_inline]] inline std::string_view behind(std::string_view input,
                                                      std::size_t bytes) noexcept {
  return {input.data() + bytes, input.size() - bytes};
}

/// A number's digits, as they are written into `digits`.
std::string_view digits_of(const Token& token, KeyDigits& digits) noexcept {
  char* const end = digits.data() + digits.size();
  const auto written =
      token.kind == Kind::kSigned ? std::to_chars(digits.data(), end, token.integer)
      : token.kind == Kind::kReal ? std::to_chars(digits.data(), end, token.real)
                                  : std::to_chars(digits.data(), end, token.number);
  return {digits.data(), static_cast<std::size_t>(written.ptr - digits.data())};
}

/// A map's key as a name.
std::string_view take_key(std::string_view& input, KeyDigits& digits) noexcept {
  const Token token = token_at(input);
  input.remove_prefix(token.head_bytes);
  if (token.has_payload()) {
    const std::string_view name = input.substr(0, token.size);
    input.remove_prefix(name.size());
    return name;
  }
  if (token.kind == Kind::kNil) return "null";
  if (token.kind == Kind::kBool) return token.boolean ? "true" : "false";
  return digits_of(token, digits);
}

/// MessagePack's own timestamp, of 4, 8 or 12 bytes.
bool timestamp_ns(std::string_view payload, std::int64_t& ns) noexcept {
  if (payload.size() == 4) {
    ns = std::int64_t{big_endian<std::uint32_t>(payload.data())} * kNanosPerSecond;
    return true;
  }
  std::int64_t seconds = 0, nanos = 0;
  if (payload.size() == 8) {
    const auto both = big_endian<std::uint64_t>(payload.data());
    constexpr unsigned kSecondBits = 34;
    seconds = static_cast<std::int64_t>(both & ((std::uint64_t{1} << kSecondBits) - 1));
    nanos = static_cast<std::int64_t>(both >> kSecondBits);
  } else if (payload.size() == 12) {
    nanos = big_endian<std::uint32_t>(payload.data());
    seconds = static_cast<std::int64_t>(big_endian<std::uint64_t>(payload.data() + 4));
  } else {
    return false;
  }
  return !__builtin_mul_overflow(seconds, kNanosPerSecond, &ns) &&
         !__builtin_add_overflow(ns, nanos, &ns);
}

void write_ext(FieldName name, std::int8_t type, std::string_view payload, FieldWriter& fields) {
  if (type == kEventTimeType && payload.size() == kEventTimeBytes) {
    if (const auto event = event_time_ns(payload)) return fields.time(name, *event);
  }
  std::int64_t ns = 0;
  if (type == kTimestampType && timestamp_ns(payload, ns))
    fields.time(name, ns);
  else
    fields.bytes(name, payload);
}

std::string_view write_array(FieldName name, std::string_view input, std::uint32_t count,
                             FieldWriter& fields) {
  const auto open = fields.begin_array(name);
  for (; count != 0; --count) input = write_field(Field::kNone, input, fields);
  fields.end(open);
  return input;
}

std::string_view write_payload(FieldName name, const Token& token, std::string_view input,
                               FieldWriter& fields) {
  const std::string_view payload = input.substr(0, token.size);
  if (token.kind == Kind::kBytes)
    fields.bytes(name, payload);
  else
    write_ext(name, token.ext_type, payload, fields);
  return input.substr(payload.size());
}

}  // namespace

std::optional<std::int64_t> event_time_ns(std::string_view payload) noexcept {
  const std::int64_t seconds = big_endian<std::uint32_t>(payload.data());
  const std::int64_t nanos = big_endian<std::uint32_t>(payload.data() + 4);
  if (nanos >= kNanosPerSecond) return std::nullopt;
  return seconds * kNanosPerSecond + nanos;
}

std::string_view write_pairs(std::string_view map, FieldWriter& fields) {
  const Token token = token_at(map);
  std::string_view rest = behind(map, token.head_bytes);
  KeyDigits digits;
  for (std::uint32_t left = token.size; left != 0; --left) {
    const std::string_view key = take_key(rest, digits);
    rest = write_field(key, rest, fields);
  }
  return rest;
}

std::string_view write_field(FieldName name, std::string_view input, FieldWriter& fields) {
  const Token token = token_at(input);
  const std::string_view rest = behind(input, token.head_bytes);
  switch (token.kind) {
    case Kind::kNil: fields.null(name); return rest;
    case Kind::kBool: fields.boolean(name, token.boolean); return rest;
    case Kind::kSigned: fields.integer(name, token.integer); return rest;
    case Kind::kReal: fields.real(name, token.real); return rest;
    case Kind::kUnsigned:
      if (token.number <= INT64_MAX)
        fields.integer(name, static_cast<std::int64_t>(token.number));
      else
        fields.unsigned_integer(name, token.number);
      return rest;
    case Kind::kArray: return write_array(name, rest, token.size, fields);
    case Kind::kMap: {
      const auto open = fields.begin_map(name);
      const std::string_view last = write_pairs(input, fields);
      fields.end(open);
      return last;
    }
    case Kind::kString:
      fields.string(name, {rest.data(), token.size});
      return behind(rest, token.size);
    case Kind::kBytes:
    case Kind::kExt: break;
  }
  return write_payload(name, token, rest, fields);
}

}  // namespace penstock::msgpack
