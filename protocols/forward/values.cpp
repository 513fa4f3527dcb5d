#include "protocols/forward/values.h"

#include "protocols/core/check.h"
#include "protocols/msgpack/token.h"
#include "protocols/msgpack/value_scan.h"

namespace penstock::forward {
namespace {

constexpr std::size_t kMost8 = 0xff, kMost16 = 0xffff, kMost32 = 0xffffffff;

void append_size(std::string& out, std::size_t size, unsigned bytes) {
  for (unsigned left = bytes; left != 0; --left)
    out += static_cast<char>(size >> (8 * (left - 1)) & 0xff);
}

}  // namespace

std::string_view text_of(std::string_view value) noexcept {
  const msgpack::Token token = msgpack::first_token(value);
  const bool is_text = token.kind == msgpack::Kind::kString || token.kind == msgpack::Kind::kBytes;
  return is_text ? value.substr(token.head_bytes, token.size) : std::string_view();
}

std::string_view take_value(std::string_view& rest) noexcept {
  msgpack::ValueScan scan({.max_bytes = rest.size(), .max_depth = msgpack::ValueScan::kMostDepth});
  (void)scan.run(rest);
  const std::string_view value = rest.substr(0, scan.size());
  rest.remove_prefix(value.size());
  return value;
}

void append_text(std::string& out, std::string_view text) {
  constexpr std::size_t kMostFixed = 31;
  PENSTOCK_CHECK(text.size() <= kMost16);
  if (text.size() <= kMostFixed) {
    out += static_cast<char>(0xa0 | text.size());
  } else {
    out += text.size() <= kMost8 ? '\xd9' : '\xda';
    append_size(out, text.size(), text.size() <= kMost8 ? 1 : 2);
  }
  out += text;
}

void append_bytes(std::string& out, std::string_view bytes) {
  PENSTOCK_CHECK(bytes.size() <= kMost32);
  if (bytes.size() <= kMost8) {
    out += '\xc4';
    append_size(out, bytes.size(), 1);
  } else if (bytes.size() <= kMost16) {
    out += '\xc5';
    append_size(out, bytes.size(), 2);
  } else {
    out += '\xc6';
    append_size(out, bytes.size(), 4);
  }
  out += bytes;
}

}  // namespace penstock::forward
