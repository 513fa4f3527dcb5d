#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace penstock::msgpack {

/// Reading MessagePack by hand, https://github.com/msgpack/msgpack/blob/master/spec.md. msgpack-cxx's visitor needs a buffer
/// of its own to resume, keeps a stack that grows with a peer's nesting, and tells no offsets; this reader works on the
/// bytes as they lie, in steps that neither allocate nor recurse.

enum class Kind : std::uint8_t {
  kNil,
  kBool,
  kUnsigned,
  kSigned,  ///< below zero
  kReal,
  kString,
  kBytes,
  kArray,
  kMap,
  kExt,
};

/// A value's first bytes; of a text, of bytes and of an extension the payload follows, of an array or map its values.
struct Token {
  Kind kind = Kind::kNil;
  std::uint8_t head_bytes = 0;  ///< of the token itself
  std::int8_t ext_type = 0;     ///< kExt
  union {
    bool boolean;
    std::uint64_t number = 0;  ///< kUnsigned
    std::int64_t integer;      ///< kSigned
    double real;
    std::uint32_t size;  ///< kString, kBytes, kExt: bytes; kArray, kMap: values, pairs
  };

  bool has_payload() const noexcept {
    return kind == Kind::kString || kind == Kind::kBytes || kind == Kind::kExt;
  }
  bool is_container() const noexcept { return kind == Kind::kArray || kind == Kind::kMap; }
};

enum class TokenStatus : std::uint8_t {
  kToken,
  kNeedMore,
  kIllegal,  ///< c1, which no value begins with
};

template <class T>
T big_endian(const char* from) noexcept {
  T value;
  std::memcpy(&value, from, sizeof value);
  if constexpr (sizeof(T) == 2) return static_cast<T>(__builtin_bswap16(value));
  if constexpr (sizeof(T) == 4) return static_cast<T>(__builtin_bswap32(value));
  if constexpr (sizeof(T) == 8) return static_cast<T>(__builtin_bswap64(value));
  return value;
}

/// The token at the front of `input`.
TokenStatus read_long_token(std::string_view input, Token& token) noexcept;
inline TokenStatus read_token(std::string_view input, Token& token) noexcept {
  if (input.empty()) return TokenStatus::kNeedMore;
  const auto first = static_cast<std::uint8_t>(input.front());
  token.head_bytes = 1;
  if (first < 0x80 || first >= 0xe0) {
    token.kind = first < 0x80 ? Kind::kUnsigned : Kind::kSigned;
    token.integer = static_cast<std::int8_t>(first);
  } else if (first >= 0xc0) {
    return read_long_token(input, token);
  } else if (first >= 0xa0) {
    token.kind = Kind::kString;
    token.size = first & 0x1f;
  } else {
    token.kind = first < 0x90 ? Kind::kMap : Kind::kArray;
    token.size = first & 0x0f;
  }
  return TokenStatus::kToken;
}

/// Of a `value` that is known to be whole.
[[gnu::always_inline]] inline Token first_token(std::string_view value) noexcept {
  Token token;
  (void)read_token(value, token);
  return token;
}

}  // namespace penstock::msgpack
