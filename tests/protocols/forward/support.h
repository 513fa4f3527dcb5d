#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/forward/decoder.h"

namespace penstock::test {

/// `93 a1 74` as bytes.
inline std::string from_hex(std::string_view hex) {
  std::string bytes;
  unsigned value = 0, digits = 0;
  for (const char c : hex) {
    if (c == ' ') continue;
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10);
    if (++digits % 2 == 0) bytes += static_cast<char>(value & 0xff);
  }
  return bytes;
}

inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string hex;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    ((hex += hex.empty() ? "" : " ") += kDigits[byte >> 4]) += kDigits[byte & 0xf];
  }
  return hex;
}

// PROTOCOLS of the tests: T = 1441588984, tag "t", record {"k":"v"}.
inline const std::string kMessageInt = from_hex("93 a1 74 ce 55 ec e6 f8 81 a1 6b a1 76");
inline const std::string kMessageChunk = from_hex(
    "94 a1 74 d7 00 55 ec e6 f8 00 00 00 05 81 a1 6b a1 76 81 a5 63 68 75 6e 6b a4 59 32 67 3d");
inline const std::string kForward =
    from_hex("92 a1 74 92 92 ce 55 ec e6 f8 81 a1 6b a1 76 92 ce 55 ec e6 f9 81 a1 6b a1 76");
inline const std::string kPacked = from_hex(
    "93 a1 74 c4 16 92 ce 55 ec e6 f8 81 a1 6b a1 76 92 ce 55 ec e6 f9 81 a1 6b a1 76 81 a4 73 69 "
    "7a 65 02");
inline const std::string kAck = from_hex("81 a3 61 63 6b a4 59 32 67 3d");
inline const std::string kEntryNew =
    from_hex("92 92 d7 00 55 ec e6 f8 00 00 00 00 80 81 a1 6b a1 76");
inline const std::string kEntry = from_hex("92 ce 55 ec e6 f8 81 a1 6b a1 76");

/// A bin of up to 64 KiB.
inline std::string bin(std::string_view bytes) {
  std::string out = "\xc5";
  out += static_cast<char>(bytes.size() >> 8);
  out += static_cast<char>(bytes.size() & 0xff);
  return out.append(bytes);
}
/// A text of up to 31 bytes.
inline std::string text(std::string_view bytes) {
  return std::string(1, static_cast<char>(0xa0 | bytes.size())).append(bytes);
}

inline std::unique_ptr<Decoder> make_forward(const ForwardOptions& options = {},
                                             std::size_t max_frame_bytes = 64 << 10) {
  return make_forward_decoder({.max_frame_bytes = max_frame_bytes}, options);
}

/// {"tag":"t","timestamp":@T...,"fields":{"k":"v"}}
inline std::string event(std::string_view ns) {
  return R"({"tag":"t","timestamp":@)" + std::string(ns) + R"(,"fields":{"k":"v"}})";
}
inline const std::string kEvent = event("1441588984000000000");
inline const std::string kNextEvent = event("1441588985000000000");

}  // namespace penstock::test
