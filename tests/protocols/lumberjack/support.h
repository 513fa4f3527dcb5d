#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "protocols/lumberjack/decoder.h"
#include "tests/protocols/compression/compress.h"

namespace penstock::test {

inline std::string number(std::uint32_t value) {
  std::string bytes;
  for (unsigned shift = 32; shift != 0;) bytes += static_cast<char>(value >> (shift -= 8) & 0xff);
  return bytes;
}
inline std::string window(std::uint32_t count, char version = '2') {
  return std::string(1, version) + 'W' + number(count);
}
inline std::string json(std::uint32_t sequence, std::string_view text) {
  return "2J" + number(sequence) + number(static_cast<std::uint32_t>(text.size())).append(text);
}
inline std::string sized(std::string_view text) {
  return number(static_cast<std::uint32_t>(text.size())).append(text);
}
inline std::string data(std::uint32_t sequence, std::initializer_list<std::string_view> texts,
                        char version = '1') {
  std::string frame = std::string(1, version) + 'D' + number(sequence) +
                      number(static_cast<std::uint32_t>(texts.size() / 2));
  for (const std::string_view text : texts) frame += sized(text);
  return frame;
}
inline std::string raw_compressed(std::string_view bytes) { return "2C" + sized(bytes); }
inline std::string compressed(std::string_view frames) {
  return raw_compressed(compress(Coding::kZlib, frames));
}
inline std::string ack(std::uint32_t sequence, char version = '2') {
  return std::string(1, version) + 'A' + number(sequence);
}

inline std::unique_ptr<Decoder> make_lumberjack(const LumberjackOptions& options = {},
                                                std::size_t max_frame_bytes = 4096) {
  return make_lumberjack_decoder({.max_frame_bytes = max_frame_bytes}, options);
}

}  // namespace penstock::test
