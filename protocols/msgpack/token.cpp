#include "protocols/msgpack/token.h"

#include <array>

namespace penstock::msgpack {
namespace {

/// How tokens of c0 to df go on: the bytes of a number or length behind the first one, and of an extension's type.
struct Form {
  Kind kind;
  std::uint8_t number_bytes;
  std::uint8_t fixed_size;  // of fixext
};

constexpr std::uint8_t kFirst = 0xc0, kUnused = 0xc1;
constexpr std::array<Form, 32> kForms = {{
    {Kind::kNil, 0, 0},      {Kind::kNil, 0, 0},      {Kind::kBool, 0, 0},
    {Kind::kBool, 0, 0},     {Kind::kBytes, 1, 0},    {Kind::kBytes, 2, 0},
    {Kind::kBytes, 4, 0},    {Kind::kExt, 1, 0},      {Kind::kExt, 2, 0},
    {Kind::kExt, 4, 0},      {Kind::kReal, 4, 0},     {Kind::kReal, 8, 0},
    {Kind::kUnsigned, 1, 0}, {Kind::kUnsigned, 2, 0}, {Kind::kUnsigned, 4, 0},
    {Kind::kUnsigned, 8, 0}, {Kind::kSigned, 1, 0},   {Kind::kSigned, 2, 0},
    {Kind::kSigned, 4, 0},   {Kind::kSigned, 8, 0},   {Kind::kExt, 0, 1},
    {Kind::kExt, 0, 2},      {Kind::kExt, 0, 4},      {Kind::kExt, 0, 8},
    {Kind::kExt, 0, 16},     {Kind::kString, 1, 0},   {Kind::kString, 2, 0},
    {Kind::kString, 4, 0},   {Kind::kArray, 2, 0},    {Kind::kArray, 4, 0},
    {Kind::kMap, 2, 0},      {Kind::kMap, 4, 0},
}};

std::uint64_t unsigned_number(const char* from, std::uint8_t bytes) noexcept {
  switch (bytes) {
    case 1: return static_cast<std::uint8_t>(*from);
    case 2: return big_endian<std::uint16_t>(from);
    case 4: return big_endian<std::uint32_t>(from);
    default: return big_endian<std::uint64_t>(from);
  }
}

std::int64_t signed_number(const char* from, std::uint8_t bytes) noexcept {
  switch (bytes) {
    case 1: return static_cast<std::int8_t>(*from);
    case 2: return static_cast<std::int16_t>(big_endian<std::uint16_t>(from));
    case 4: return static_cast<std::int32_t>(big_endian<std::uint32_t>(from));
    default: return static_cast<std::int64_t>(big_endian<std::uint64_t>(from));
  }
}

}  // namespace

TokenStatus read_long_token(std::string_view input, Token& token) noexcept {
  const auto first = static_cast<std::uint8_t>(input.front());
  if (first == kUnused) return TokenStatus::kIllegal;
  const Form form = kForms[first - kFirst];
  const bool typed = form.kind == Kind::kExt;
  const std::size_t head = 1u + form.number_bytes + (typed ? 1u : 0u);
  if (input.size() < head) return TokenStatus::kNeedMore;
  const char* number = input.data() + 1;
  token.kind = form.kind;
  token.head_bytes = static_cast<std::uint8_t>(head);
  if (typed) token.ext_type = static_cast<std::int8_t>(input[head - 1]);
  switch (form.kind) {
    case Kind::kNil: break;
    case Kind::kBool: token.boolean = first == 0xc3; break;
    case Kind::kReal:
      token.real =
          form.number_bytes == 4
              ? static_cast<double>(std::bit_cast<float>(big_endian<std::uint32_t>(number)))
              : std::bit_cast<double>(big_endian<std::uint64_t>(number));
      break;
    case Kind::kSigned:
      token.integer = signed_number(number, form.number_bytes);
      if (token.integer >= 0) token.kind = Kind::kUnsigned;
      break;
    case Kind::kUnsigned: token.number = unsigned_number(number, form.number_bytes); break;
    default:
      token.size = form.fixed_size != 0
                       ? form.fixed_size
                       : static_cast<std::uint32_t>(unsigned_number(number, form.number_bytes));
  }
  return TokenStatus::kToken;
}

}  // namespace penstock::msgpack
